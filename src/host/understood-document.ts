import { formatIntSet } from '../base/int-set.ts';
import { KIB } from '../base/units.ts';
import { VM_NAME } from '../model/vm-spec.ts';
import type { DomainXml } from '../xml/domain.ts';
import type { DomainDisk } from '../xml/domain-disk.ts';
import type { DomainInterface } from '../xml/domain-interface.ts';
import { pageSizeKiB } from './domain-record.ts';

/** What a domain that Berth did not make would be as a document, as far as one can say it. */
export interface Understood {
  /** Of the form of a VM document; whoever needs it to be one checks it. */
  readonly document: Readonly<Record<string, unknown>>;
  /** What of the domain no document says, in words. */
  readonly unknown: readonly string[];
}

/** A part of a document, and what it leaves out. */
interface Part {
  readonly value?: unknown;
  readonly unknown: readonly string[];
}

/** The document that would make a domain like this one: the inverse of `renderDomain`. Pure. */
export function understoodDocument(
  domain: DomainXml,
  labels: Readonly<Record<string, string>> = {},
): Understood {
  const parts = {
    machine: machinePart(domain),
    cpu: cpuPart(domain),
    memory: memoryPart(domain),
    numa: joined(cellsPart(domain), bindingPart(domain)),
    boot: bootPart(domain),
    disks: listPart(domain.devices.disks, diskPart),
    nics: nicsPart(domain.devices.interfaces),
  };
  const known = Object.entries(parts).filter(([, part]) => part.value !== undefined);
  return {
    document: {
      apiVersion: 'berth/v1',
      kind: 'VM',
      metadata: { name: domain.name ?? '', ...(isEmpty(labels) ? {} : { labels }) },
      spec: Object.fromEntries(known.map(([key, { value }]) => [key, value])),
    },
    unknown: [
      ...(VM_NAME.test(domain.name ?? '') ? [] : ['its name is none that documents can have']),
      ...Object.values(parts).flatMap((part) => part.unknown),
      ...otherParts(domain),
    ],
  };
}

function machinePart({ os }: DomainXml): Part {
  const machine = os?.machine ?? '';
  if (machine === 'q35' || machine.startsWith('pc-q35-')) return known('q35');
  if (machine === 'pc' || machine.startsWith('pc-i440fx-')) return known('pc');
  if (machine === 'virt' || machine.startsWith('virt-')) return known('virt');
  return unknown(`machine type ${machine === '' ? 'none' : machine}`);
}

/** Every vCPU on one pCPU of its own is what documents call dedicated; other pins are a set. */
function cpuPart({ vcpu, cpu, cpuTune, iothreads = 0 }: DomainXml): Part {
  const count = vcpu?.count ?? 1;
  const pins = cpuTune?.vcpuPins ?? [];
  const single = new Set(pins.flatMap(({ cpus }) => (cpus.length === 1 ? cpus : [])));
  const isDedicated = pins.length === count && single.size === count;
  const cpuset = isDedicated ? [...single] : vcpu?.cpus;
  const model = cpu?.mode === 'custom' ? cpu.model : cpu?.mode;
  const { current = count } = vcpu ?? {};
  const tuned = [cpuTune?.shares, cpuTune?.quotaUs, cpuTune?.periodUs].some(
    (value) => value !== undefined,
  );
  return {
    value: {
      count,
      ...(isDedicated ? { policy: 'dedicated' } : {}),
      ...(model === undefined ? {} : { model }),
      ...(cpuset === undefined
        ? {}
        : { cpuset: formatIntSet([...cpuset].toSorted((a, b) => a - b)) }),
      ...(iothreads === 0 ? {} : { ioThreads: { count: iothreads } }),
    },
    unknown: [
      ...(current < count ? [`${current} of its ${count} vCPUs are plugged in`] : []),
      ...(!isDedicated && pins.length > 0 ? ['pins of single vCPUs'] : []),
      ...((cpu?.features.length ?? 0) > 0 ? ['single features of its CPU'] : []),
      ...(tuned ? ['shares or quotas of CPU time'] : []),
    ],
  };
}

function memoryPart(domain: DomainXml): Part {
  const { memoryBytes = 0, maxMemory, currentMemoryBytes = memoryBytes } = domain;
  if (memoryBytes === 0) return unknown('how much memory it has');
  const [is, told] = [pageSizeKiB(domain), toldPageKiB(domain)];
  const pages = PAGES[told];
  return {
    value: { size: sizeText(memoryBytes), ...(pages === undefined ? {} : { pages }) },
    unknown: [
      ...(maxMemory === undefined ? [] : ['slots for more memory']),
      ...(currentMemoryBytes < memoryBytes ? ['a balloon that holds part of its memory'] : []),
      ...(is === told ? [] : [`pages of ${is} KiB`]),
      ...(memoryBytes % (told * KIB) === 0 ? [] : ['memory that is not whole pages']),
    ],
  };
}

const PAGES: Readonly<Record<number, string>> = { 2048: '2MiB', 1_048_576: '1GiB' };

/** The pages that a document can say: ordinary ones where they are others, or do not make up the memory. */
function toldPageKiB(domain: DomainXml): number {
  const { memoryBytes = 0 } = domain;
  const pageKiB = pageSizeKiB(domain);
  return PAGES[pageKiB] !== undefined && memoryBytes % (pageKiB * KIB) === 0 ? pageKiB : 4;
}

/** Documents have cells that hold each vCPU once and the whole memory; libvirt takes others, too. */
function cellsPart(domain: DomainXml): Part {
  const { numaTune, cpu, vcpu, memoryBytes: whole = 0 } = domain;
  const cells = cpu?.cells ?? [];
  if (cells.length === 0) return { unknown: [] };
  const vcpus = cells.flatMap((cell) => cell.vcpus).toSorted((a, b) => a - b);
  if (vcpus.length !== (vcpu?.count ?? 1) || vcpus.some((id, index) => id !== index)) {
    return unknown('guest cells that do not hold each vCPU once');
  }
  const sizes = cells.map(({ memoryBytes = 0 }) => memoryBytes);
  if (sizes.reduce((sum, size) => sum + size, 0) !== whole) {
    return unknown('guest cells that do not hold all of its memory');
  }
  if (sizes.some((size) => size === 0 || size % (toldPageKiB(domain) * KIB) !== 0)) {
    return unknown('guest cells whose memory is not whole pages');
  }
  const hosts = new Map(numaTune?.cells.map((cell) => [cell.guestCell, cell.hostCells]));
  return known({
    cells: cells.map((cell, index) => {
      const [host, ...more] = hosts.get(cell.id) ?? [];
      return {
        cpus: formatIntSet(cell.vcpus),
        memory: sizeText(sizes[index] ?? 0),
        ...(host === undefined || more.length > 0 ? {} : { host }),
      };
    }),
  });
}

function bindingPart({ numaTune }: DomainXml): Part {
  const { mode, hostCells } = numaTune?.memory ?? {};
  if (mode === 'preferred' && hostCells !== undefined && hostCells.length !== 1) {
    return unknown(`a preference for ${hostCells.length} cells of its host`);
  }
  const value = {
    ...(mode === undefined ? {} : { policy: mode }),
    ...(hostCells === undefined ? {} : { nodeset: formatIntSet(hostCells) }),
  };
  return isEmpty(value) ? { unknown: [] } : known(value);
}

/** Two parts of one section. */
function joined(a: Part, b: Part): Part {
  const values = [a.value, b.value].filter((value) => value !== undefined);
  return {
    ...(values.length === 0 ? {} : { value: Object.assign({}, ...values) }),
    unknown: [...a.unknown, ...b.unknown],
  };
}

function bootPart({ os }: DomainXml): Part {
  const order = (os?.boot ?? []).flatMap((device) => BOOT[device] ?? []);
  const { kernel, initrd, cmdline } = os ?? {};
  const isEfi = os?.firmware === 'efi' || os?.nvram !== undefined;
  const value = {
    ...(isEfi ? { firmware: 'efi' } : {}),
    ...(order.length === 0 ? {} : { order }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(cmdline === undefined ? {} : { cmdline }),
  };
  const isOwn = os?.loader !== undefined && os.firmware === undefined;
  return { ...(isEmpty(value) ? {} : { value }), unknown: isOwn ? ['firmware of its own'] : [] };
}

const BOOT: Readonly<Record<string, string>> = { hd: 'disk', cdrom: 'cdrom', network: 'network' };

/** A disk's volume is where it is: a document would make a new one, so that is always told. */
function diskPart(disk: DomainDisk): Part {
  const { targetDev = '', targetBus = '', device, source } = disk;
  const place = source?.path ?? source?.name ?? source?.volume;
  const told = [`disk ${targetDev}: what is in ${place ?? 'it'}`];
  if (!['disk', 'cdrom'].includes(device) || !['virtio', 'scsi', 'sata'].includes(targetBus)) {
    return unknown(`${device} ${targetDev} on ${targetBus === '' ? 'no bus' : targetBus}`);
  }
  if (device === 'cdrom') {
    return unknown(`cdrom ${targetDev}`, ...(place === undefined ? [] : told));
  }
  return { value: { name: targetDev, bus: targetBus }, unknown: told };
}

function nicsPart(nics: readonly DomainInterface[]): Part {
  const part = listPart(nics.slice(0, NICS_MAX), nicPart);
  const more = nics.length - NICS_MAX;
  if (more <= 0) return part;
  return { ...part, unknown: [...part.unknown, `${more} more network interfaces`] };
}

/** More than that no document has. */
const NICS_MAX = 16;

function nicPart(nic: DomainInterface): Part {
  const { type, source, model = '', mac } = nic;
  const way = NIC_KEYS[type];
  if (way === undefined || (way !== 'user' && source === undefined)) {
    return unknown(`network interface of type ${type}`);
  }
  if (way !== 'user' && !NIC_SOURCES[way].test(source ?? '')) {
    return unknown(`network interface on ${way} ${source}`);
  }
  const isKnown = ['virtio', 'e1000e', 'e1000', 'rtl8139'].includes(model);
  return {
    value: {
      [way]: way === 'user' ? true : source,
      ...(isKnown ? { model } : {}),
      ...(mac === undefined ? {} : { mac }),
    },
    unknown: isKnown || model === '' ? [] : [`network interface of model ${model}`],
  };
}

const NIC_KEYS: Readonly<Record<string, 'user' | 'network' | 'bridge'>> = {
  user: 'user',
  network: 'network',
  bridge: 'bridge',
};

/** Names that documents can have. */
const NIC_SOURCES = {
  network: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
  bridge: /^[A-Za-z0-9_.-]{1,15}$/,
};

/** Whole things that no document has a word for. */
function otherParts(domain: DomainXml): readonly string[] {
  const { devices, memoryTune, launchSecurity, qemuCommandLine } = domain;
  return [
    ...(devices.hostdevs.length === 0 ? [] : [`${devices.hostdevs.length} devices of its host`]),
    ...(memoryTune === undefined ? [] : ['limits of its memory']),
    ...(launchSecurity === undefined ? [] : ['an encrypted guest']),
    ...(qemuCommandLine === undefined ? [] : ['arguments of its own for QEMU']),
  ];
}

function listPart<T>(items: readonly T[], one: (item: T) => Part): Part {
  const parts = items.map(one);
  const values = parts.flatMap(({ value }) => (value === undefined ? [] : [value]));
  return {
    ...(values.length === 0 ? {} : { value: values }),
    unknown: parts.flatMap((part) => part.unknown),
  };
}

function known(value: unknown): Part {
  return { value, unknown: [] };
}

function unknown(...what: readonly string[]): Part {
  return { unknown: what };
}

/** The largest unit that says it exactly. */
function sizeText(bytes: number): string {
  const units = ['GiB', 'MiB', 'KiB'] as const;
  const exact = units.find((_, index) => bytes % KIB ** (units.length - index) === 0);
  return exact === undefined
    ? `${bytes}B`
    : `${bytes / KIB ** (units.length - units.indexOf(exact))}${exact}`;
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}
