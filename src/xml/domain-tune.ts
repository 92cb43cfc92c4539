import type { XmlElement } from './element.ts';
import {
  bytesAttribute,
  bytesOf,
  integerAttribute,
  integerOf,
  intSetAttribute,
  signedIntegerOf,
} from './value.ts';

/** The host CPUs that one vCPU or I/O thread may run on. */
export interface ThreadPin {
  /** The number of the vCPU (from 0) or of the I/O thread (from 1). */
  readonly id: number;
  readonly cpus: readonly number[];
}

/** How the kernel schedules some of a domain's threads. */
export interface ThreadScheduler {
  readonly of: 'vcpu' | 'iothread' | 'emulator';
  /** The vCPUs or I/O threads it holds for; undefined for the emulator. */
  readonly ids: readonly number[] | undefined;
  /** fifo, rr, idle or batch, or a later libvirt's word. */
  readonly policy: string | undefined;
  readonly priority: number | undefined;
}

/** A share of a cache or of memory bandwidth, kept for some vCPUs (Intel RDT, AMD QoS). */
export interface CacheShare {
  /** The id of the cache bank. */
  readonly cache: number;
  readonly level: number | undefined;
  /** both, code or data. */
  readonly type: string | undefined;
  readonly sizeBytes: number | undefined;
}

/** One `<cachetune>`: shares of caches for some vCPUs. */
export interface CacheTune {
  readonly vcpus: readonly number[];
  readonly shares: readonly CacheShare[];
}

/** One `<memorytune>`: shares of memory bandwidth for some vCPUs. */
export interface BandwidthTune {
  readonly vcpus: readonly number[];
  /** The host's bandwidth domain, and percent (Intel) or MB/s of it. */
  readonly shares: readonly { readonly id: number; readonly bandwidth: number }[];
}

/** `<cputune>`: where threads run and how much they get. Periods and quotas are microseconds. */
export interface CpuTune {
  readonly vcpuPins: readonly ThreadPin[];
  readonly iothreadPins: readonly ThreadPin[];
  readonly emulatorCpus: readonly number[] | undefined;
  readonly shares: number | undefined;
  readonly periodUs: number | undefined;
  /** Below zero for no limit. */
  readonly quotaUs: number | undefined;
  readonly emulatorPeriodUs: number | undefined;
  readonly emulatorQuotaUs: number | undefined;
  readonly globalPeriodUs: number | undefined;
  readonly globalQuotaUs: number | undefined;
  readonly schedulers: readonly ThreadScheduler[];
  readonly cacheTunes: readonly CacheTune[];
  readonly bandwidthTunes: readonly BandwidthTune[];
}

/**
 * `<memtune>`: what the guest and its emulator together may take of the host's memory; undefined for
 * as much as they like.
 */
export interface MemoryTune {
  readonly hardLimitBytes: number | undefined;
  readonly softLimitBytes: number | undefined;
  /** Of memory and swap together. */
  readonly swapHardLimitBytes: number | undefined;
  readonly minGuaranteeBytes: number | undefined;
}

/** `<numatune>`: which host cells the guest's memory comes from. */
export interface NumaTune {
  readonly memory: NumaMemory | undefined;
  /** Per guest cell; wins over `memory` for that cell. */
  readonly cells: readonly (NumaMemory & { readonly guestCell: number })[];
}

/** From which cells of the host memory is taken, and how strictly. */
export interface NumaMemory {
  /** strict, preferred, interleave or restrictive, or a later libvirt's word. */
  readonly mode: string | undefined;
  readonly hostCells: readonly number[] | undefined;
  /** static or auto; auto asks numad. */
  readonly placement: string | undefined;
}

/** `<memoryBacking>`: what the guest's memory is made of. */
export interface MemoryBacking {
  /** Undefined for ordinary pages; empty for huge pages of the host's default size. */
  readonly hugepages: readonly HugepageUse[] | undefined;
  readonly locked: boolean;
  readonly nosharepages: boolean;
  /** anonymous, file or memfd. */
  readonly sourceType: string | undefined;
  readonly access: string | undefined;
  readonly allocation: string | undefined;
}

/** A size of huge pages, and for which cells of the guest. */
export interface HugepageUse {
  readonly sizeBytes: number;
  /** The guest cells they are for; undefined for all. */
  readonly guestCells: readonly number[] | undefined;
}

/** Reads `<cputune>` of a domain. */
export function readCpuTune(domain: XmlElement): CpuTune | undefined {
  const tune = domain.child('cputune');
  if (tune === undefined) return undefined;
  return {
    vcpuPins: readPins(tune.childrenNamed('vcpupin'), 'vcpu'),
    iothreadPins: readPins(tune.childrenNamed('iothreadpin'), 'iothread'),
    emulatorCpus: intSetAttribute(tune.child('emulatorpin'), 'cpuset'),
    shares: integerOf(tune.child('shares')),
    periodUs: integerOf(tune.child('period')),
    quotaUs: signedIntegerOf(tune.child('quota')),
    emulatorPeriodUs: integerOf(tune.child('emulator_period')),
    emulatorQuotaUs: signedIntegerOf(tune.child('emulator_quota')),
    globalPeriodUs: integerOf(tune.child('global_period')),
    globalQuotaUs: signedIntegerOf(tune.child('global_quota')),
    schedulers: (['vcpu', 'iothread', 'emulator'] as const).flatMap((of) =>
      tune.childrenNamed(`${of}sched`).map((element) => readScheduler(element, of)),
    ),
    cacheTunes: tune.childrenNamed('cachetune').map(readCacheTune),
    bandwidthTunes: tune.childrenNamed('memorytune').map(readBandwidthTune),
  };
}

/** Reads `<memtune>` of a domain. */
export function readMemoryTune(domain: XmlElement): MemoryTune | undefined {
  const tune = domain.child('memtune');
  if (tune === undefined) return undefined;
  return {
    hardLimitBytes: limitOf(tune.child('hard_limit')),
    softLimitBytes: limitOf(tune.child('soft_limit')),
    swapHardLimitBytes: limitOf(tune.child('swap_hard_limit')),
    minGuaranteeBytes: limitOf(tune.child('min_guarantee')),
  };
}

/** Reads `<numatune>` of a domain. */
export function readNumaTune(domain: XmlElement): NumaTune | undefined {
  const tune = domain.child('numatune');
  if (tune === undefined) return undefined;
  const memory = tune.child('memory');
  return {
    memory: memory === undefined ? undefined : readNumaMemory(memory),
    cells: tune.childrenNamed('memnode').map((node) => ({
      guestCell: integerAttribute(node, 'cellid') ?? 0,
      ...readNumaMemory(node),
    })),
  };
}

/** Reads `<memoryBacking>` of a domain. */
export function readMemoryBacking(domain: XmlElement): MemoryBacking | undefined {
  const backing = domain.child('memoryBacking');
  if (backing === undefined) return undefined;
  return {
    hugepages: backing.child('hugepages')?.childrenNamed('page').flatMap(readHugepageUse),
    locked: backing.child('locked') !== undefined,
    nosharepages: backing.child('nosharepages') !== undefined,
    sourceType: backing.child('source')?.attribute('type'),
    access: backing.child('access')?.attribute('mode'),
    allocation: backing.child('allocation')?.attribute('mode'),
  };
}

/** libvirt's word for no limit is 2^53 - 1 KiB (VIR_DOMAIN_MEMORY_PARAM_UNLIMITED). */
function limitOf(limit: XmlElement | undefined): number | undefined {
  return integerOf(limit) === Number.MAX_SAFE_INTEGER ? undefined : bytesOf(limit);
}

function readPins(elements: readonly XmlElement[], idName: string): readonly ThreadPin[] {
  return elements.flatMap((element) => {
    const id = integerAttribute(element, idName);
    const cpus = intSetAttribute(element, 'cpuset');
    return id === undefined || cpus === undefined ? [] : [{ id, cpus }];
  });
}

function readScheduler(element: XmlElement, of: ThreadScheduler['of']): ThreadScheduler {
  return {
    of,
    ids: intSetAttribute(element, `${of}s`),
    policy: element.attribute('scheduler'),
    priority: integerAttribute(element, 'priority'),
  };
}

function readCacheTune(tune: XmlElement): CacheTune {
  return {
    vcpus: intSetAttribute(tune, 'vcpus') ?? [],
    shares: tune.childrenNamed('cache').map((cache) => ({
      cache: integerAttribute(cache, 'id') ?? 0,
      level: integerAttribute(cache, 'level'),
      type: cache.attribute('type'),
      sizeBytes: bytesAttribute(cache, 'size'),
    })),
  };
}

function readBandwidthTune(tune: XmlElement): BandwidthTune {
  return {
    vcpus: intSetAttribute(tune, 'vcpus') ?? [],
    shares: tune.childrenNamed('node').map((node) => ({
      id: integerAttribute(node, 'id') ?? 0,
      bandwidth: integerAttribute(node, 'bandwidth') ?? 0,
    })),
  };
}

function readNumaMemory(element: XmlElement): NumaMemory {
  return {
    mode: element.attribute('mode'),
    hostCells: intSetAttribute(element, 'nodeset'),
    placement: element.attribute('placement'),
  };
}

function readHugepageUse(page: XmlElement): readonly HugepageUse[] {
  const sizeBytes = bytesAttribute(page, 'size');
  return sizeBytes === undefined
    ? []
    : [{ sizeBytes, guestCells: intSetAttribute(page, 'nodeset') }];
}
