import type { XmlElement } from './element.ts';
import {
  bytesAttribute,
  flagAttribute,
  integerAttribute,
  integerOf,
  intSetAttribute,
  textOf,
} from './value.ts';

/** `<vcpu>`: how many vCPUs there are. */
export interface VcpuCount {
  /** The most there can be, from 1. */
  readonly count: number;
  /** How many are plugged in at the start; undefined for all. */
  readonly current: number | undefined;
  /** The host CPUs of every vCPU that has no pin of its own. */
  readonly cpus: readonly number[] | undefined;
  /** static or auto; auto asks numad. */
  readonly placement: string | undefined;
}

/** One entry of `<vcpus>`. */
export interface VcpuState {
  readonly id: number;
  readonly enabled: boolean | undefined;
  readonly hotpluggable: boolean | undefined;
  readonly order: number | undefined;
}

/** `<cpu>`: the processor that the guest sees. */
export interface GuestCpu {
  /** custom, host-model, host-passthrough or maximum. */
  readonly mode: string | undefined;
  readonly match: string | undefined;
  readonly check: string | undefined;
  readonly migratable: boolean | undefined;
  readonly model: string | undefined;
  readonly modelFallback: string | undefined;
  readonly vendor: string | undefined;
  readonly topology: GuestTopology | undefined;
  readonly cacheMode: string | undefined;
  /** The cache level that is emulated, where one is. */
  readonly cacheLevel: number | undefined;
  /** How wide physical addresses are: emulate (with `bits`) or passthrough. */
  readonly maxPhysAddr:
    { readonly mode: string | undefined; readonly bits: number | undefined } | undefined;
  readonly features: readonly { readonly name: string; readonly policy: string | undefined }[];
  readonly cells: readonly GuestCell[];
}

/** The shape the guest sees; its parts multiply to the count of vCPUs. */
export interface GuestTopology {
  readonly sockets: number;
  readonly dies: number;
  readonly clusters: number;
  readonly cores: number;
  readonly threads: number;
}

/** A NUMA cell that the guest sees. */
export interface GuestCell {
  readonly id: number;
  /** The vCPUs in it; empty for a cell of memory alone. */
  readonly vcpus: readonly number[];
  readonly memoryBytes: number | undefined;
  /** shared or private. */
  readonly memAccess: string | undefined;
  readonly discard: boolean | undefined;
  readonly distances: readonly { readonly cell: number; readonly value: number }[];
}

/** Reads `<vcpu>` of a domain. An empty one means 1, as in libvirt. */
export function readVcpuCount(domain: XmlElement): VcpuCount | undefined {
  const vcpu = domain.child('vcpu');
  if (vcpu === undefined) return undefined;
  return {
    count: integerOf(vcpu) ?? 1,
    current: integerAttribute(vcpu, 'current'),
    cpus: intSetAttribute(vcpu, 'cpuset'),
    placement: vcpu.attribute('placement'),
  };
}

/** Reads `<vcpus>` of a domain. */
export function readVcpuStates(domain: XmlElement): readonly VcpuState[] {
  return domain.findAll('vcpus/vcpu').flatMap((vcpu) => {
    const id = integerAttribute(vcpu, 'id');
    if (id === undefined) return [];
    const enabled = flagAttribute(vcpu, 'enabled');
    const hotpluggable = flagAttribute(vcpu, 'hotpluggable');
    return [{ id, enabled, hotpluggable, order: integerAttribute(vcpu, 'order') }];
  });
}

/** Reads `<cpu>` of a domain. */
export function readGuestCpu(domain: XmlElement): GuestCpu | undefined {
  const cpu = domain.child('cpu');
  if (cpu === undefined) return undefined;
  const model = cpu.child('model');
  return {
    mode: cpu.attribute('mode'),
    match: cpu.attribute('match'),
    check: cpu.attribute('check'),
    migratable: flagAttribute(cpu, 'migratable'),
    model: textOf(model),
    modelFallback: model?.attribute('fallback'),
    vendor: textOf(cpu.child('vendor')),
    topology: readTopology(cpu.child('topology')),
    cacheMode: cpu.child('cache')?.attribute('mode'),
    cacheLevel: integerAttribute(cpu.child('cache'), 'level'),
    maxPhysAddr: readMaxPhysAddr(cpu.child('maxphysaddr')),
    features: cpu.childrenNamed('feature').map((feature) => ({
      name: feature.attribute('name') ?? '',
      policy: feature.attribute('policy'),
    })),
    cells: readCells(cpu.findAll('numa/cell')),
  };
}

function readMaxPhysAddr(address: XmlElement | undefined): GuestCpu['maxPhysAddr'] {
  if (address === undefined) return undefined;
  return { mode: address.attribute('mode'), bits: integerAttribute(address, 'bits') };
}

function readTopology(topology: XmlElement | undefined): GuestTopology | undefined {
  if (topology === undefined) return undefined;
  const part = (name: string): number => integerAttribute(topology, name) ?? 1;
  return {
    sockets: part('sockets'),
    dies: part('dies'),
    clusters: part('clusters'),
    cores: part('cores'),
    threads: part('threads'),
  };
}

/** Cells without an id are numbered in order, as libvirt does. */
function readCells(cells: readonly XmlElement[]): readonly GuestCell[] {
  return cells.map((cell, index) => ({
    id: integerAttribute(cell, 'id') ?? index,
    vcpus: intSetAttribute(cell, 'cpus') ?? [],
    memoryBytes: bytesAttribute(cell, 'memory'),
    memAccess: cell.attribute('memAccess'),
    discard: flagAttribute(cell, 'discard'),
    distances: cell.findAll('distances/sibling').flatMap((sibling) => {
      const id = integerAttribute(sibling, 'id');
      const value = integerAttribute(sibling, 'value');
      return id === undefined || value === undefined ? [] : [{ cell: id, value }];
    }),
  }));
}
