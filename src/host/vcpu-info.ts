import { toSafeNumber } from '../base/units.ts';
import { domainGetVcpus, domainOf } from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import { cpuMapBytes, cpusOfMap } from './cpu-map.ts';
import type { HostLink } from './host-link.ts';

/** What `virsh vcpuinfo` shows of one vCPU. */
export interface VcpuInfo {
  readonly vcpu: number;
  readonly state: 'offline' | 'running' | 'blocked';
  /** The pCPU it ran on last. */
  readonly pcpu: number;
  /** CPU time used so far, in milliseconds. */
  readonly timeMs: number;
  /** The pCPUs it may run on. */
  readonly allowed: readonly number[];
}

/** virVcpuState of libvirt-domain.h. */
const STATES = ['offline', 'running', 'blocked'] as const;

/** Where the vCPUs of a running domain are and what they may use. */
export async function readVcpuInfo(
  link: HostLink,
  uuid: string,
  size: { readonly vcpus: number; readonly pcpus: number },
  wait: Wait,
): Promise<readonly VcpuInfo[]> {
  const maplen = cpuMapBytes(size.pcpus);
  const args = { dom: domainOf(uuid), maxinfo: size.vcpus, maplen };
  const { info, cpumaps } = await link.call(domainGetVcpus, args, wait);
  return info.map((vcpu, index) => ({
    vcpu: vcpu.number,
    state: STATES[vcpu.state] ?? 'offline',
    pcpu: vcpu.cpu,
    timeMs: toSafeNumber(vcpu.cpuTime / 1_000_000n, 'CPU time of a vCPU'),
    allowed: cpusOfMap(cpumaps.subarray(index * maplen, (index + 1) * maplen)),
  }));
}
