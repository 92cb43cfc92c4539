import { present } from '../base/assert.ts';
import { formatIntSet } from '../base/int-set.ts';
import { formatSize, KIB } from '../base/units.ts';
import type { GuestTopology, ThreadPlace } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import { roomFor } from './memory-plan.ts';
import { isDedicatedVcpu } from './request.ts';
import type { Seating } from './seating.ts';
import { distance } from './slot-fit.ts';
import { counted, named } from './wording.ts';

/** Why a guest sits where it sits, in sentences, the strongest first. */
export function reasonsFor(
  frame: Frame,
  seating: Seating,
  topology: GuestTopology,
): readonly string[] {
  return [
    ...cellReasons(frame, seating),
    ...(frame.request.policy === 'shared' ? [] : coreReasons(frame, seating, topology)),
    ...floatReasons(frame, seating),
    ...threadReasons(frame, seating),
    ...memoryReasons(frame, seating),
  ];
}

function cellReasons(frame: Frame, seating: Seating): readonly string[] {
  const homes = [...new Set(seating.parts.map(({ home }) => home))];
  const [home, other] = homes;
  if (home === undefined) {
    if (frame.layout !== 'floating') return [];
    return frame.request.cells === 'none'
      ? ['it is to be bound to no cell']
      : ['no single cell carries it, so it is bound to none'];
  }
  if (other === undefined) return [`fits one cell: ${cellUse(frame, seating, home)}`];
  const far = homes.flatMap((a) => homes.map((b) => distance(frame, a, b)));
  const list = named('cell', formatIntSet(homes.map((index) => cellId(frame, index))));
  const why =
    frame.request.cells === 'auto' ? 'no fewer cells can take it' : 'cells were asked for';
  return [
    `${why}: one guest cell in each of ${list}, at distance ${Math.max(...far)} at most`,
    ...homes.map((index) => cellUse(frame, seating, index)),
  ];
}

/** "cell 0: 2 of 4 free pCPUs, 1 GiB of 11.2 GiB". */
function cellUse(frame: Frame, seating: Seating, home: number): string {
  const { ledger, request } = frame;
  const id = cellId(frame, home);
  const account = present(ledger.cells[home], `cell at ${home}`);
  const cpus = present(ledger.shape.cells[home], `cell at ${home}`).cpus.and(
    request.policy === 'shared' ? ledger.pool : ledger.free,
  );
  const taken = new Set(seating.dedicated);
  const used = [...cpus].filter((cpu) => taken.has(cpu)).length;
  const bytes = seating.memory.reduce((sum, s) => sum + (s.cell === id ? s.bytes : 0), 0);
  const memory = `${formatSize(bytes)} of ${formatSize(roomFor(frame, account))}`;
  const pages = frame.huge ? ` in pages of ${formatSize(frame.pageKiB * KIB)}` : '';
  return request.policy !== 'shared'
    ? `cell ${id}: ${used} of ${counted(cpus.size, 'free pCPU')}, ${memory}${pages}`
    : `cell ${id}: ${counted(cpus.size, 'shared pCPU')}, ${memory}${pages}`;
}

function coreReasons(frame: Frame, seating: Seating, topology: GuestTopology): readonly string[] {
  const { threads } = frame.request;
  const own = seating.vcpus.filter(({ vcpu }) => isDedicatedVcpu(frame.request, vcpu));
  const pcpus = own.flatMap((seat) => seat.pcpus);
  const reasons: string[] = [];
  if (topology.threads > 1) {
    reasons.push(
      `whole cores (${coreList(frame, pcpus)}): siblings in the guest are real siblings`,
    );
  }
  if (seating.blocked.length > 0) {
    const idle = named('pCPU', formatIntSet(seating.blocked));
    reasons.push(`${idle} idle, so that nobody else runs on its cores (threads isolate)`);
  }
  if (seating.unpaired > 0) {
    reasons.push(
      `too few whole cores are free: ${counted(seating.unpaired, 'vCPU')} have no sibling`,
    );
  }
  if (threads === 'prefer' && topology.threads === 1 && frame.ledger.shape.threads > 1) {
    reasons.push(
      seating.broken === 0
        ? 'no free core is broken'
        : `${counted(seating.broken, 'free core')} broken, as no half-free one is left`,
    );
  }
  return reasons;
}

function threadReasons({ request }: Frame, seating: Seating): readonly string[] {
  return [
    ...threadReason("QEMU's own threads", request.emulator, seating.emulator),
    ...threadReason(
      'I/O threads',
      request.ioThreads?.place ?? 'share',
      seating.ioThreads.flatMap(({ pcpus }) => pcpus),
    ),
  ];
}

function threadReason(
  who: string,
  place: ThreadPlace,
  pcpus: readonly number[],
): readonly string[] {
  if (place === 'share') return [];
  const list = named('pCPU', formatIntSet(new Set(pcpus)));
  return [
    place === 'isolate'
      ? `${who} have ${list} to themselves`
      : `${who} run on ${list}, which no guest has for itself`,
  ];
}

function floatReasons(frame: Frame, seating: Seating): readonly string[] {
  const { cpuRatio } = frame.ledger.host.policy;
  const floating = seating.vcpus.filter(({ vcpu }) => !isDedicatedVcpu(frame.request, vcpu));
  if (floating.length === 0) return [];
  const list = named('pCPU', formatIntSet(new Set(floating.flatMap(({ pcpus }) => pcpus))));
  const which =
    frame.request.policy === 'mixed'
      ? named('vCPU', formatIntSet(floating.map(({ vcpu }) => vcpu)))
      : `its ${counted(floating.length, 'vCPU')}`;
  return [
    `${which} float${floating.length === 1 && frame.request.policy === 'mixed' ? 's' : ''} over ${list}, at most ${cpuRatio} vCPUs for each`,
  ];
}

function memoryReasons(frame: Frame, { memory, mode, parts }: Seating): readonly string[] {
  const cells = memory.flatMap(({ cell }) => cell ?? []);
  const homes = parts.map(({ home }) => cellId(frame, home));
  const list = named('cell', formatIntSet(cells));
  if (mode === 'preferred') return [`memory prefers ${list} and may spill over`];
  if (mode === 'interleave' && cells.length > 1) return [`memory is spread evenly over ${list}`];
  return homes.length > 0 && cells.some((cell) => !homes.includes(cell))
    ? [`memory comes from ${list}, as the nodeset says`]
    : [];
}

/** "0+4, 1+5": the threads of each core. */
function coreList(frame: Frame, pcpus: readonly number[]): string {
  const used = new Set(pcpus);
  return frame.ledger.shape.cells
    .flatMap((cell) => cell.cores)
    .filter((core) => core.cpus.some((cpu) => used.has(cpu)))
    .map((core) => core.cpus.join('+'))
    .join(', ');
}

function cellId(frame: Frame, index: number): number {
  return present(frame.ledger.cells[index], `cell at ${index}`).id;
}
