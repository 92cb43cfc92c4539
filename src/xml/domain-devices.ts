import type { XmlElement } from './element.ts';
import { pciAddressOf } from './pci-address.ts';
import { flagAttribute, integerAttribute } from './value.ts';

/** A `<disk>`. Words are libvirt's; an unknown one is kept as it is. */
export interface DomainDisk {
  /** file, block, network, volume, dir, nvme, vhostuser ... */
  readonly type: string;
  /** disk, cdrom, floppy or lun. */
  readonly device: string;
  readonly source: DiskSource | undefined;
  readonly targetDev: string | undefined;
  readonly targetBus: string | undefined;
  readonly driver: DiskDriver | undefined;
  readonly readonly: boolean;
  readonly shareable: boolean;
  readonly serial: string | undefined;
  readonly bootOrder: number | undefined;
  readonly alias: string | undefined;
}

/** Where a disk's bytes are; which fields there are depends on the disk's type. */
export interface DiskSource {
  /** The path on the host, for types file, block and dir. */
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  /** The export or image, for type network. */
  readonly name: string | undefined;
  readonly pool: string | undefined;
  readonly volume: string | undefined;
  readonly pci: string | undefined;
}

export interface DiskDriver {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly cache: string | undefined;
  readonly io: string | undefined;
  readonly discard: string | undefined;
  readonly queues: number | undefined;
  readonly iothread: number | undefined;
}

/** An `<interface>`. */
export interface DomainInterface {
  /** network, bridge, direct, user, ethernet, hostdev, vhostuser ... */
  readonly type: string;
  /** The network, bridge or device it hangs on. */
  readonly source: string | undefined;
  readonly sourceMode: string | undefined;
  /** The PCI function it is, for type hostdev: `0000:3b:02.0`. */
  readonly pci: string | undefined;
  readonly mac: string | undefined;
  readonly model: string | undefined;
  readonly targetDev: string | undefined;
  readonly driver: string | undefined;
  readonly queues: number | undefined;
  readonly vlans: readonly number[];
  readonly bootOrder: number | undefined;
  readonly alias: string | undefined;
}

/** A `<serial>` or `<console>`. */
export interface DomainConsole {
  /** pty, unix, tcp, file ... */
  readonly type: string;
  /** The pseudo terminal or socket on the host; of a running domain. */
  readonly sourcePath: string | undefined;
  readonly targetType: string | undefined;
  readonly targetPort: number | undefined;
  readonly alias: string | undefined;
}

/** A `<hostdev>`: a device of the host given to the guest. */
export interface DomainHostdev {
  /** subsystem or capabilities. */
  readonly mode: string | undefined;
  /** pci, usb, scsi, mdev ... */
  readonly type: string | undefined;
  /** True when libvirt detaches it from its host driver by itself. */
  readonly managed: boolean;
  /** Its address on the host: `0000:3b:00.0`. */
  readonly pci: string | undefined;
  readonly mdevUuid: string | undefined;
  readonly alias: string | undefined;
}

/** The devices of a domain that Berth understands. */
export interface DomainDevices {
  readonly emulator: string | undefined;
  readonly disks: readonly DomainDisk[];
  readonly interfaces: readonly DomainInterface[];
  readonly serials: readonly DomainConsole[];
  readonly consoles: readonly DomainConsole[];
  readonly hostdevs: readonly DomainHostdev[];
}

/** Reads `<devices>` of a domain. */
export function readDevices(domain: XmlElement): DomainDevices {
  const all = (name: string): readonly XmlElement[] => domain.findAll(`devices/${name}`);
  return {
    emulator: all('emulator')[0]?.text,
    disks: all('disk').map(readDisk),
    interfaces: all('interface').map(readInterface),
    serials: all('serial').map(readConsole),
    consoles: all('console').map(readConsole),
    hostdevs: all('hostdev').map(readHostdev),
  };
}

function readDisk(disk: XmlElement): DomainDisk {
  const source = disk.child('source');
  const driver = disk.child('driver');
  return {
    type: disk.attribute('type') ?? 'file',
    device: disk.attribute('device') ?? 'disk',
    source: source === undefined ? undefined : readDiskSource(source),
    targetDev: disk.child('target')?.attribute('dev'),
    targetBus: disk.child('target')?.attribute('bus'),
    driver: driver === undefined ? undefined : readDiskDriver(driver),
    readonly: disk.child('readonly') !== undefined,
    shareable: disk.child('shareable') !== undefined,
    serial: disk.child('serial')?.text,
    ...readCommon(disk),
  };
}

function readDiskSource(source: XmlElement): DiskSource {
  const path = ['file', 'dev', 'dir'].map((name) => source.attribute(name)).find(Boolean);
  return {
    path,
    protocol: source.attribute('protocol'),
    name: source.attribute('name'),
    pool: source.attribute('pool'),
    volume: source.attribute('volume'),
    pci: pciAddressOf(source.child('address')),
  };
}

function readDiskDriver(driver: XmlElement): DiskDriver {
  return {
    name: driver.attribute('name'),
    type: driver.attribute('type'),
    cache: driver.attribute('cache'),
    io: driver.attribute('io'),
    discard: driver.attribute('discard'),
    queues: integerAttribute(driver, 'queues'),
    iothread: integerAttribute(driver, 'iothread'),
  };
}

function readInterface(nic: XmlElement): DomainInterface {
  const source = nic.child('source');
  const driver = nic.child('driver');
  const names = ['network', 'bridge', 'dev', 'path'];
  return {
    type: nic.attribute('type') ?? 'ethernet',
    source: names.map((name) => source?.attribute(name)).find(Boolean),
    sourceMode: source?.attribute('mode'),
    pci: pciAddressOf(source?.child('address')),
    mac: nic.child('mac')?.attribute('address')?.toLowerCase(),
    model: nic.child('model')?.attribute('type'),
    targetDev: nic.child('target')?.attribute('dev'),
    driver: driver?.attribute('name'),
    queues: integerAttribute(driver, 'queues'),
    vlans: nic.findAll('vlan/tag').flatMap((tag) => integerAttribute(tag, 'id') ?? []),
    ...readCommon(nic),
  };
}

function readConsole(device: XmlElement): DomainConsole {
  const target = device.child('target');
  return {
    type: device.attribute('type') ?? 'pty',
    sourcePath: device.child('source')?.attribute('path') ?? device.attribute('tty'),
    targetType: target?.attribute('type'),
    targetPort: integerAttribute(target, 'port'),
    alias: device.child('alias')?.attribute('name'),
  };
}

function readHostdev(hostdev: XmlElement): DomainHostdev {
  const type = hostdev.attribute('type');
  const address = hostdev.find('source/address');
  return {
    mode: hostdev.attribute('mode'),
    type,
    managed: flagAttribute(hostdev, 'managed') ?? false,
    pci: type === 'pci' ? pciAddressOf(address) : undefined,
    mdevUuid: address?.attribute('uuid'),
    alias: hostdev.child('alias')?.attribute('name'),
  };
}

function readCommon(device: XmlElement): {
  bootOrder: number | undefined;
  alias: string | undefined;
} {
  return {
    bootOrder: integerAttribute(device.child('boot'), 'order'),
    alias: device.child('alias')?.attribute('name'),
  };
}
