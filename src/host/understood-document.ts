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
    numa: numaPart(domain),
    boot: bootPart(domain),
    disks: listPart(domain.devices.disks, diskPart),
    nics: listPart(domain.devices.interfaces, nicPart),
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
  const pages = PAGES[pageSizeKiB(domain)];
  return {
    value: { size: sizeText(memoryBytes), ...(pages === undefined ? {} : { pages }) },
    unknown: [
      ...(maxMemory === undefined ? [] : ['slots for more memory']),
      ...(currentMemoryBytes < memoryBytes ? ['a balloon that holds part of its memory'] : []),
      ...(pages === undefined && pageSizeKiB(domain) !== 4
        ? [`pages of ${pageSizeKiB(domain)} KiB`]
        : []),
    ],
  };
}

const PAGES: Readonly<Record<number, string>> = { 2048: '2MiB', 1_048_576: '1GiB' };

function numaPart({ numaTune, cpu }: DomainXml): Part {
  const cells = cpu?.cells ?? [];
  const { mode, hostCells } = numaTune?.memory ?? {};
  const hosts = new Map(numaTune?.cells.map((cell) => [cell.guestCell, cell.hostCells]));
  const value = {
    ...(cells.length === 0
      ? {}
      : {
          cells: cells.map(({ id, vcpus, memoryBytes = 0 }) => {
            const [host, ...more] = hosts.get(id) ?? [];
            return {
              cpus: formatIntSet(vcpus),
              memory: sizeText(memoryBytes),
              ...(host === undefined || more.length > 0 ? {} : { host }),
            };
          }),
        }),
    ...(mode === undefined ? {} : { policy: mode }),
    ...(hostCells === undefined ? {} : { nodeset: formatIntSet(hostCells) }),
  };
  return isEmpty(value) ? { unknown: [] } : known(value);
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
  const told = place === undefined ? [] : [`disk ${targetDev}: what is in ${place}`];
  if (!['disk', 'cdrom'].includes(device) || !['virtio', 'scsi', 'sata'].includes(targetBus)) {
    return unknown(`${device} ${targetDev} on ${targetBus === '' ? 'no bus' : targetBus}`);
  }
  if (device === 'cdrom') return unknown(`cdrom ${targetDev}`, ...told);
  return { value: { name: targetDev, bus: targetBus }, unknown: told };
}

function nicPart(nic: DomainInterface): Part {
  const { type, source, model = '', mac } = nic;
  const way = NIC_KEYS[type];
  if (way === undefined || (way !== 'user' && source === undefined)) {
    return unknown(`network interface of type ${type}`);
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
