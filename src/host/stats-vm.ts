import { KIB } from '../base/units.ts';
import { paramRecord } from '../libvirt/index.ts';
import type { TypedParam, TypedValue } from '../libvirt/index.ts';
import type { VmState } from '../model/host.ts';
import { stateOf } from './domain-record.ts';

/**
 * What one domain has used since its QEMU began. Times are in seconds, sizes in bytes. A figure that
 * its host does not tell is absent, which is not zero.
 */
export interface VmStats {
  readonly uuid: string;
  readonly name: string;
  readonly state: VmState;
  /** CPU time of QEMU with all its threads, and its shares in user and in kernel mode. */
  readonly cpuSeconds?: number;
  readonly cpuUserSeconds?: number;
  readonly cpuSystemSeconds?: number;
  readonly memory: VmMemory;
  readonly vcpus: readonly VcpuStats[];
  readonly disks: readonly DiskStats[];
  readonly nics: readonly NicStats[];
}

/** What lies between a guest's memory and its host's; the guest's own view needs its balloon driver. */
export interface VmMemory {
  /** What the guest has now: the most it may have, less what the balloon took. */
  readonly actualBytes?: number;
  /** The most it may have. */
  readonly maximumBytes?: number;
  /** What QEMU holds of the host's memory. */
  readonly residentBytes?: number;
  /** What the guest could use of its memory without swapping, by its own word. */
  readonly usableBytes?: number;
  readonly swapInBytes?: number;
  readonly swapOutBytes?: number;
  readonly majorFaults?: number;
}

/** One vCPU's thread on the host. */
export interface VcpuStats {
  readonly id: number;
  readonly seconds?: number;
  /** Ready to run and waiting for a pCPU, by the kernel's `wait_sum`: 0 unless it has schedstats on. */
  readonly waitSeconds?: number;
  /** The same by the kernel's `run_delay`, which is always counted; the guest sees it as steal. */
  readonly delaySeconds?: number;
}

/** What went one way through a disk. */
export interface DiskTraffic {
  readonly bytes?: number;
  readonly requests?: number;
  /** Spent on those requests, all of them added up. */
  readonly seconds?: number;
}

/** One disk. */
export interface DiskStats {
  /** Its target in the guest, such as `vda`. */
  readonly name: string;
  readonly read: DiskTraffic;
  readonly write: DiskTraffic;
  readonly flush: DiskTraffic;
  /** What the guest sees, and what it takes of the host's storage. */
  readonly capacityBytes?: number;
  readonly allocationBytes?: number;
}

/** What went one way through a NIC. */
export interface NicTraffic {
  readonly bytes?: number;
  readonly packets?: number;
  readonly errors?: number;
  readonly drops?: number;
}

/** One NIC. */
export interface NicStats {
  /** Its device on the host, such as `vnet0`. */
  readonly name: string;
  /** Seen from the guest. */
  readonly received: NicTraffic;
  readonly sent: NicTraffic;
}

const NS_PER_S = 1e9;
/** No guest has more disks or NICs; a longer list is not believed. */
const DEVICES_MAX = 4096;

type Params = Readonly<Record<string, TypedValue>>;

/** Reads one domain's part of the answer to `connectGetAllDomainStats` (libvirt's names). */
export function vmStatsOf(
  domain: { readonly name: string; readonly uuid: string },
  list: readonly TypedParam[],
): VmStats {
  const params = paramRecord(list);
  const state = stateOf(numberIn(params, 'state.state') ?? 0);
  return {
    uuid: domain.uuid,
    name: domain.name,
    state,
    ...(state === 'shutoff' ? {} : cpuFigures(params)),
    memory: memoryOf(params),
    vcpus: vcpusOf(params),
    disks: numbered(params, 'block').map((prefix) => diskOf(params, prefix)),
    nics: numbered(params, 'net').map((prefix) => nicOf(params, prefix)),
  };
}

/** Of a domain that is off, libvirt tells the CPU time of a control group that is not its own. */
function cpuFigures(
  params: Params,
): Pick<VmStats, 'cpuSeconds' | 'cpuUserSeconds' | 'cpuSystemSeconds'> {
  return {
    ...figure('cpuSeconds', seconds(params, 'cpu.time')),
    ...figure('cpuUserSeconds', seconds(params, 'cpu.user')),
    ...figure('cpuSystemSeconds', seconds(params, 'cpu.system')),
  };
}

function memoryOf(params: Params): VmMemory {
  return {
    ...figure('actualBytes', kib(params, 'balloon.current')),
    ...figure('maximumBytes', kib(params, 'balloon.maximum')),
    ...figure('residentBytes', kib(params, 'balloon.rss')),
    ...figure('usableBytes', kib(params, 'balloon.usable')),
    ...figure('swapInBytes', kib(params, 'balloon.swap_in')),
    ...figure('swapOutBytes', kib(params, 'balloon.swap_out')),
    ...figure('majorFaults', numberIn(params, 'balloon.major_fault')),
  };
}

/** Numbers of vCPUs may have gaps where some were unplugged, so that names tell which there are. */
function vcpusOf(params: Params): readonly VcpuStats[] {
  const ids = Object.keys(params).flatMap((name) => {
    const match = /^vcpu\.(\d{1,5})\.state$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return ids
    .toSorted((a, b) => a - b)
    .map((id) => ({
      id,
      ...figure('seconds', seconds(params, `vcpu.${id}.time`)),
      ...figure('waitSeconds', seconds(params, `vcpu.${id}.wait`)),
      ...figure('delaySeconds', seconds(params, `vcpu.${id}.delay`)),
    }));
}

function diskOf(params: Params, prefix: string): DiskStats {
  const traffic = (way: string): DiskTraffic => ({
    ...figure('bytes', numberIn(params, `${prefix}.${way}.bytes`)),
    ...figure('requests', numberIn(params, `${prefix}.${way}.reqs`)),
    ...figure('seconds', seconds(params, `${prefix}.${way}.times`)),
  });
  return {
    name: textIn(params, `${prefix}.name`),
    read: traffic('rd'),
    write: traffic('wr'),
    flush: traffic('fl'),
    ...figure('capacityBytes', numberIn(params, `${prefix}.capacity`)),
    ...figure('allocationBytes', numberIn(params, `${prefix}.allocation`)),
  };
}

function nicOf(params: Params, prefix: string): NicStats {
  const traffic = (way: string): NicTraffic => ({
    ...figure('bytes', numberIn(params, `${prefix}.${way}.bytes`)),
    ...figure('packets', numberIn(params, `${prefix}.${way}.pkts`)),
    ...figure('errors', numberIn(params, `${prefix}.${way}.errs`)),
    ...figure('drops', numberIn(params, `${prefix}.${way}.drop`)),
  });
  return {
    name: textIn(params, `${prefix}.name`),
    received: traffic('rx'),
    sent: traffic('tx'),
  };
}

/** The devices that have a name: one whose QEMU did not answer in time may be listed without. */
function numbered(params: Params, group: string): readonly string[] {
  const count = Math.min(numberIn(params, `${group}.count`) ?? 0, DEVICES_MAX);
  const prefixes = Array.from({ length: count }, (_, index) => `${group}.${index}`);
  return prefixes.filter((prefix) => textIn(params, `${prefix}.name`) !== '');
}

function textIn(params: Params, name: string): string {
  const value = params[name];
  return typeof value === 'string' ? value : '';
}

/** libvirt says -1 for what it does not know (`llong` figures of network devices). */
function numberIn(params: Params, name: string): number | undefined {
  const value = params[name];
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return value < 0 ? undefined : Number(value);
}

function seconds(params: Params, name: string): number | undefined {
  const ns = numberIn(params, name);
  return ns === undefined ? undefined : ns / NS_PER_S;
}

function kib(params: Params, name: string): number | undefined {
  const value = numberIn(params, name);
  return value === undefined ? undefined : value * KIB;
}

/** A property where there is something to say. */
function figure<K extends string>(
  name: K,
  value: number | undefined,
): { readonly [N in K]?: number } {
  // A computed key widens to `string`; it is the one that was given.
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in K]?: number });
}
