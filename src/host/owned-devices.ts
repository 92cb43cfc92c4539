import { basename } from 'node:path';
import type { Placement } from '../model/placement.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import { readDomain } from '../xml/domain.ts';
import type { DomainXml } from '../xml/domain.ts';
import { readDisk } from '../xml/domain-disk.ts';
import type { DomainDisk } from '../xml/domain-disk.ts';
import { readInterface } from '../xml/domain-interface.ts';
import type { DomainInterface } from '../xml/domain-interface.ts';
import { pciAddressOf } from '../xml/pci-address.ts';
import { parseXml } from '../xml/index.ts';
import type { XmlElement } from '../xml/index.ts';
import { diskTarget } from './render-domain.ts';
import type { PlacedDisk } from './render-domain.ts';
import type { OwnedPart } from './owned-parts.ts';

/** The devices of a domain that are Berth's, before or after a change: others are left alone. */
export interface Owned {
  /** Names of disks, as their documents call them. */
  readonly disks: ReadonlySet<string>;
  /** How many of its first interfaces. */
  readonly nics: number;
  /** Addresses of PCI functions. */
  readonly pci: ReadonlySet<string>;
}

/** The devices that documents and placements of a VM name; what cannot be read names none. */
export function ownedBy(
  versions: readonly { readonly document: unknown; readonly placement: Placement }[],
): Owned {
  const specs = versions.map(({ document }) => (document as { spec?: LooseSpec } | null)?.spec);
  const disks = specs.flatMap((spec) => (Array.isArray(spec?.disks) ? spec.disks : []));
  const nics = specs.map((spec) => (Array.isArray(spec?.nics) ? spec.nics.length : 0));
  const pci = versions.flatMap(({ placement }) => placement.pci ?? []);
  return {
    disks: new Set(disks.map((disk: { name?: unknown } | null) => disk?.name as string)),
    nics: Math.max(0, ...nics),
    pci: new Set(pci.map(({ address }) => address)),
  };
}

interface LooseSpec {
  readonly disks?: unknown;
  readonly nics?: unknown;
}

/**
 * The disks of a spec with their volumes: those of the definition as they are there, others as they
 * were made for it.
 */
export function placedDisks(
  xml: string,
  { disks }: VmSpec,
  made: readonly PlacedDisk[],
): readonly PlacedDisk[] {
  const there = readDomain(parseXml(xml, 'a domain').root).devices.disks;
  return disks.map((spec) => {
    const fresh = made.find((disk) => disk.spec.name === spec.name);
    if (fresh !== undefined) return { ...fresh, spec };
    const disk = there.find((each) => diskName(each) === spec.name);
    return {
      spec,
      path: disk?.source?.path ?? '',
      format: disk?.driver?.type ?? 'raw',
    };
  });
}

/** The name of a disk in a document: its serial number, or what the guest sees it as. */
export function diskName({ serial, targetDev }: DomainDisk): string {
  return serial ?? targetDev ?? '';
}

export const diskPart: OwnedPart = {
  what: 'disks',
  isDevice: true,
  tell: (definition, owned) => textOf(ownDisks(definition, owned).map(diskText)),
  write: (target, source, owned) => {
    const devices = target.ensureChild('devices');
    const isOwn = (disk: XmlElement): boolean => owned.disks.has(diskName(readDisk(disk)));
    const there = devices.childrenNamed('disk').filter(isOwn);
    const wanted = source.findAll('devices/disk').filter(isOwn);
    const named = (disks: readonly XmlElement[], like: XmlElement): XmlElement | undefined =>
      disks.find((disk) => diskName(readDisk(disk)) === diskName(readDisk(like)));
    for (const disk of there) if (named(wanted, disk) === undefined) disk.remove();
    for (const disk of wanted) {
      const old = named(there, disk);
      if (old === undefined) appendDisk(devices, disk);
      else changeDisk(devices, old, disk);
    }
    ensureScsi(devices, source);
  },
};

function ownDisks(definition: DomainXml, owned: Owned): readonly DomainDisk[] {
  const disks = definition.devices.disks.filter((disk) => owned.disks.has(diskName(disk)));
  return disks.toSorted((a, b) => (diskName(a) < diskName(b) ? -1 : 1));
}

/** The medium of a cdrom is whatever lies in it: it is no part of what was decided. */
function diskText(disk: DomainDisk): string {
  const { device, targetBus = '', driver, source } = disk;
  if (device === 'cdrom') return `${diskName(disk)}: cdrom, ${targetBus}`;
  const file = source?.path === undefined ? '' : `${basename(source.path)}, `;
  const thread = driver?.iothread === undefined ? '' : `, I/O thread ${driver.iothread}`;
  return `${diskName(disk)}: ${file}${targetBus}, cache ${driver?.cache ?? 'default'}${thread}`;
}

/** The same disk on another bus has another address and another name in the guest. */
function changeDisk(devices: XmlElement, old: XmlElement, wanted: XmlElement): void {
  const [before, after] = [readDisk(old), readDisk(wanted)];
  if (diskText(before) === diskText(after)) return;
  const isElsewhere =
    before.targetBus !== after.targetBus || before.source?.path !== after.source?.path;
  if (isElsewhere) {
    old.remove();
    appendDisk(devices, wanted);
    return;
  }
  const driver = old.ensureChild('driver');
  for (const name of ['cache', 'iothread'] as const) {
    const value = after.driver?.[name];
    if (value === undefined) driver.removeAttribute(name);
    else driver.setAttribute(name, value);
  }
}

/** Behind the other disks, under a name that none of them has in the guest. */
function appendDisk(devices: XmlElement, wanted: XmlElement): void {
  const disk = wanted.clone();
  const disks = devices.childrenNamed('disk');
  const taken = new Set(disks.map((other) => other.child('target')?.attribute('dev')));
  const target = disk.ensureChild('target');
  const prefix = (target.attribute('dev') ?? 'vda').slice(0, 2);
  if (taken.has(target.attribute('dev'))) {
    const free = Array.from({ length: taken.size + 1 }, (_, index) => diskTarget(prefix, index));
    target.setAttribute('dev', free.find((name) => !taken.has(name)) ?? `${prefix}a`);
  }
  const last = disks.at(-1);
  if (last === undefined) devices.append(disk);
  else devices.insertAfter(disk, last);
}

/** Without one of Berth's own, libvirt would add a controller of an old model. */
function ensureScsi(devices: XmlElement, source: XmlElement): void {
  const isScsi = (controller: XmlElement): boolean => controller.attribute('type') === 'scsi';
  if (devices.childrenNamed('controller').some(isScsi)) return;
  const wanted = source.findAll('devices/controller').find(isScsi);
  if (wanted !== undefined) devices.append(wanted.clone());
}

/** Interfaces have no names: they are told apart by their order, and added ones stand behind. */
export const nicPart: OwnedPart = {
  what: 'network interfaces',
  isDevice: true,
  tell: ({ devices }, { nics }) => textOf(devices.interfaces.slice(0, nics).map(nicText)),
  write: (target, source, { nics }) => {
    const devices = target.ensureChild('devices');
    const there = devices.childrenNamed('interface');
    const wanted = source.findAll('devices/interface').slice(0, nics);
    for (const extra of there.slice(wanted.length, nics)) extra.remove();
    for (const [index, nic] of wanted.entries()) {
      const old = there[index];
      if (old === undefined) devices.append(nic.clone());
      else if (nicText(readInterface(old)) !== nicText(readInterface(nic))) {
        changeNic(devices, old, nic);
      }
    }
  },
};

/** What hangs elsewhere keeps its MAC, unless it is to have another. */
function changeNic(devices: XmlElement, old: XmlElement, wanted: XmlElement): void {
  const nic = wanted.clone();
  const mac = old.child('mac');
  if (nic.child('mac') === undefined && mac !== undefined) nic.append(mac.clone());
  devices.replace(old, nic);
}

function nicText({ type, source, model }: DomainInterface): string {
  return [type, source, model].filter((word) => word !== undefined).join(' ');
}

export const pciPart: OwnedPart = {
  what: 'PCI functions',
  isDevice: true,
  tell: ({ devices }, { pci }) =>
    textOf(
      devices.hostdevs
        .flatMap((device) => device.pci ?? [])
        .filter((address) => pci.has(address))
        .toSorted(),
    ),
  write: (target, source, { pci }) => {
    const devices = target.ensureChild('devices');
    const isOwn = (device: XmlElement): boolean => pci.has(hostAddress(device) ?? '');
    for (const old of devices.childrenNamed('hostdev').filter(isOwn)) old.remove();
    for (const one of source.findAll('devices/hostdev').filter(isOwn)) devices.append(one.clone());
  },
};

function hostAddress(device: XmlElement): string | undefined {
  return pciAddressOf(device.find('source/address'));
}

function textOf(words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : words.join('; ');
}
