import { readBasics, type DeviceBasics } from './device-address.ts';
import type { XmlElement } from './element.ts';
import { pciAddressOf } from './pci-address.ts';
import {
  readAuth,
  readEncryption,
  readStorageHosts,
  type StorageAuth,
  type StorageEncryption,
  type StorageHost,
} from './storage-auth.ts';
import { integerAttribute, integerOf, textOf } from './value.ts';

/** A `<disk>`. Words are libvirt's; an unknown one is kept as it is. */
export interface DomainDisk extends DeviceBasics {
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
  /** True when what the guest writes is forgotten when it ends. */
  readonly transient: boolean;
  /** What the guest knows the disk by. Spaces belong to it (diskSerial of domaincommon.rng). */
  readonly serial: string | undefined;
  readonly wwn: string | undefined;
  readonly bootOrder: number | undefined;
  readonly ioTune: DiskIoTune | undefined;
  /** The images below the source, nearest first; of a running domain, or as they were declared. */
  readonly backingChain: readonly BackingImage[];
  /** The copy that a block job makes; of a running domain. */
  readonly mirror: DiskMirror | undefined;
}

/** Where a disk's bytes are; which fields there are depends on the disk's type. */
export interface DiskSource {
  /** The path on the host, for types file, block and dir. */
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  /** The export or image, for type network. */
  readonly name: string | undefined;
  readonly hosts: readonly StorageHost[];
  readonly pool: string | undefined;
  readonly volume: string | undefined;
  readonly pci: string | undefined;
  readonly auth: StorageAuth | undefined;
  readonly encryption: StorageEncryption | undefined;
}

/** `<driver>` of a disk: how QEMU reads and writes it. What is undefined is QEMU's default. */
export interface DiskDriver {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly cache: string | undefined;
  readonly io: string | undefined;
  readonly discard: string | undefined;
  readonly detectZeroes: string | undefined;
  readonly queues: number | undefined;
  readonly iothread: number | undefined;
}

/** `<iotune>`: throttles, each per second; 0 and absent are without limit. */
export interface DiskIoTune {
  readonly totalBytes: number | undefined;
  readonly readBytes: number | undefined;
  readonly writeBytes: number | undefined;
  readonly totalIops: number | undefined;
  readonly readIops: number | undefined;
  readonly writeIops: number | undefined;
  /** Disks of one group share their throttles. */
  readonly group: string | undefined;
}

/** An image below another, or beside it. */
export interface BackingImage {
  readonly type: string | undefined;
  readonly format: string | undefined;
  readonly source: DiskSource | undefined;
}

/** A `<mirror>`: the copy that a block job makes of a disk. */
export interface DiskMirror extends BackingImage {
  /** copy or active-commit. */
  readonly job: string | undefined;
  /** yes when both sides are equal; abort or pivot while one of these goes on. */
  readonly ready: string | undefined;
}

/**
 * Reads a `<disk>`.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readDisk(disk: XmlElement): DomainDisk {
  const source = disk.child('source');
  const driver = disk.child('driver');
  const mirror = disk.child('mirror');
  return {
    type: disk.attribute('type') ?? 'file',
    device: disk.attribute('device') ?? 'disk',
    source: source === undefined ? undefined : readDiskSource(source, disk),
    targetDev: disk.child('target')?.attribute('dev'),
    targetBus: disk.child('target')?.attribute('bus'),
    driver: driver === undefined ? undefined : readDiskDriver(driver),
    readonly: disk.child('readonly') !== undefined,
    shareable: disk.child('shareable') !== undefined,
    transient: disk.child('transient') !== undefined,
    serial: disk.child('serial')?.text, // not trimmed: spaces are part of it
    wwn: textOf(disk.child('wwn')),
    bootOrder: integerAttribute(disk.child('boot'), 'order'),
    ioTune: readIoTune(disk.child('iotune')),
    backingChain: readBackingChain(disk),
    mirror:
      mirror === undefined
        ? undefined
        : {
            ...readImage(mirror),
            job: mirror.attribute('job'),
            ready: mirror.attribute('ready'),
          },
    ...readBasics(disk),
  };
}

/**
 * Reads the `<source>` of a disk or of an image below it.
 * @param disk the element around it: login and encryption stand there or in the source.
 */
export function readDiskSource(source: XmlElement, disk: XmlElement): DiskSource {
  const path = ['file', 'dev', 'dir'].map((name) => source.attribute(name)).find(Boolean);
  return {
    path,
    protocol: source.attribute('protocol'),
    name: source.attribute('name'),
    hosts: readStorageHosts(source),
    pool: source.attribute('pool'),
    volume: source.attribute('volume'),
    pci: pciAddressOf(source.child('address')),
    auth: readAuth(source) ?? readAuth(disk),
    encryption: readEncryption(source) ?? readEncryption(disk),
  };
}

function readDiskDriver(driver: XmlElement): DiskDriver {
  return {
    name: driver.attribute('name'),
    type: driver.attribute('type'),
    cache: driver.attribute('cache'),
    io: driver.attribute('io'),
    discard: driver.attribute('discard'),
    detectZeroes: driver.attribute('detect_zeroes'),
    queues: integerAttribute(driver, 'queues'),
    iothread: integerAttribute(driver, 'iothread'),
  };
}

function readIoTune(tune: XmlElement | undefined): DiskIoTune | undefined {
  if (tune === undefined) return undefined;
  return {
    totalBytes: integerOf(tune.child('total_bytes_sec')),
    readBytes: integerOf(tune.child('read_bytes_sec')),
    writeBytes: integerOf(tune.child('write_bytes_sec')),
    totalIops: integerOf(tune.child('total_iops_sec')),
    readIops: integerOf(tune.child('read_iops_sec')),
    writeIops: integerOf(tune.child('write_iops_sec')),
    group: textOf(tune.child('group_name')),
  };
}

/** An empty `<backingStore/>` says that there is nothing below. */
function readBackingChain(disk: XmlElement): readonly BackingImage[] {
  const chain: BackingImage[] = [];
  for (let at = disk.child('backingStore'); at !== undefined; at = at.child('backingStore')) {
    if (at.child('source') !== undefined) chain.push(readImage(at));
  }
  return chain;
}

function readImage(image: XmlElement): BackingImage {
  const source = image.child('source');
  return {
    type: image.attribute('type'),
    format: image.child('format')?.attribute('type'),
    source: source === undefined ? undefined : readDiskSource(source, image),
  };
}
