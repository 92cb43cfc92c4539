import type { GuestTopology } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import type { Seating } from './seating.ts';

/**
 * The topology that tells the guest the truth about its vCPUs. Threads are shown only where each run
 * of vCPUs is, in order, all siblings of one core, which floating vCPUs never are; sockets mirror the guest cells where these are
 * equal. The product is the number of vCPUs, as libvirt demands (virDomainDefParse: sockets * dies
 * * cores * threads is the maximum of vCPUs).
 */
export function guestTopology(frame: Frame, seating: Seating): GuestTopology {
  const { vcpus } = frame.request;
  if (frame.request.policy === 'shared') return { sockets: 1, dies: 1, cores: vcpus, threads: 1 };
  const perCore = frame.request.policy === 'mixed' ? 1 : frame.ledger.shape.threads;
  const threads = perCore > 1 && sitsOnCores(frame, seating, perCore) ? perCore : 1;
  const sizes = new Set(seating.parts.map(({ part }) => part.vcpus.length));
  const contiguous = seating.parts.every(({ part }) =>
    part.vcpus.every((vcpu, i) => vcpu === (part.vcpus[0] ?? 0) + i),
  );
  const sockets = sizes.size === 1 && contiguous ? seating.parts.length : 1;
  return { sockets, dies: 1, cores: vcpus / sockets / threads, threads };
}

/** Every `perCore` vCPUs sit on one core, in the order of its threads, within one guest cell. */
function sitsOnCores(frame: Frame, seating: Seating, perCore: number): boolean {
  if (seating.vcpus.length % perCore !== 0) return false;
  const { threadOf } = frame.ledger.shape;
  const partOf: number[] = [];
  for (const { part } of seating.parts) for (const vcpu of part.vcpus) partOf[vcpu] = part.id;
  return seating.vcpus.every(({ vcpu, pcpus }, i) => {
    const first = seating.vcpus[i - (i % perCore)];
    const here = threadOf.get(pcpus[0] ?? -1);
    return (
      here?.core.cpus.length === perCore &&
      here.core === threadOf.get(first?.pcpus[0] ?? -1)?.core &&
      here.thread === i % perCore &&
      partOf[vcpu] === partOf[first?.vcpu ?? -1]
    );
  });
}
