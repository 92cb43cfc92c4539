import type { XmlElement } from './element.ts';
import {
  readAuth,
  readEncryption,
  readStorageHosts,
  type StorageAuth,
  type StorageEncryption,
  type StorageHost,
} from './storage-auth.ts';
import { bytesOf, frozen, integerOf, refuseValue, textOf } from './value.ts';

/** What Berth reads of a storage `<pool>`. */
export interface PoolXml {
  /** dir, fs, logical, rbd ... */
  readonly type: string | undefined;
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  readonly capacityBytes: number | undefined;
  readonly allocationBytes: number | undefined;
  readonly availableBytes: number | undefined;
  readonly path: string | undefined;
  readonly source: PoolSource | undefined;
  /** Whom the pool's folder belongs to. */
  readonly permissions: StoragePermissions | undefined;
}

/** `<source>` of a pool: where its bytes come from; which fields there are depends on its type. */
export interface PoolSource {
  readonly hosts: readonly StorageHost[];
  /** Devices, partitions, or the target of iSCSI. */
  readonly devices: readonly string[];
  /** The folder that a server exports. */
  readonly dir: string | undefined;
  /** A volume group, a pool of Ceph or ZFS, a volume of Gluster. */
  readonly name: string | undefined;
  /** nfs, ext4, lvm2 ... */
  readonly format: string | undefined;
  readonly auth: StorageAuth | undefined;
  /** As whom iSCSI logs in. */
  readonly initiator: string | undefined;
  readonly adapter: PoolAdapter | undefined;
  readonly vendor: string | undefined;
  readonly product: string | undefined;
  /** The version of NFS. */
  readonly protocolVersion: string | undefined;
}

/** The SCSI host that a pool shows the disks of. */
export interface PoolAdapter {
  /** scsi_host or fc_host. */
  readonly type: string | undefined;
  readonly name: string | undefined;
  readonly parent: string | undefined;
  readonly wwnn: string | undefined;
  readonly wwpn: string | undefined;
}

/** Owner and mode of a folder or file, as libvirt makes it. */
export interface StoragePermissions {
  /** Octal, as in `0711`. */
  readonly mode: string | undefined;
  readonly owner: number | undefined;
  readonly group: number | undefined;
  readonly label: string | undefined;
}

/** What Berth reads of a storage `<volume>`. */
export interface VolumeXml {
  /** file, block, dir, network ... */
  readonly type: string | undefined;
  readonly name: string | undefined;
  /** Unique on the host; the path for files. */
  readonly key: string | undefined;
  /** What the guest sees. */
  readonly capacityBytes: number | undefined;
  /** What the volume takes now. */
  readonly allocationBytes: number | undefined;
  readonly physicalBytes: number | undefined;
  readonly path: string | undefined;
  readonly format: string | undefined;
  /** The image that this one stands on. */
  readonly backing: { readonly path: string; readonly format: string | undefined } | undefined;
  readonly permissions: StoragePermissions | undefined;
  /** Seconds since the epoch, with a fraction, as they are written. */
  readonly timestamps: VolumeTimestamps | undefined;
  /** The version of qcow2: 0.10 or 1.1. */
  readonly compat: string | undefined;
  readonly clusterBytes: number | undefined;
  /** lazy_refcounts, extended_l2 ... */
  readonly features: readonly string[];
  readonly encryption: StorageEncryption | undefined;
}

/** Times of a volume's file as libvirt writes them: seconds since the epoch, a dot, nanoseconds. */
export interface VolumeTimestamps {
  readonly accessed: string | undefined;
  readonly modified: string | undefined;
  readonly changed: string | undefined;
  readonly born: string | undefined;
}

/**
 * Reads a storage pool.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a size that is none.
 */
export function readPool(root: XmlElement): PoolXml {
  if (root.name !== 'pool') refuseValue(root, `the root is <${root.name}>`, 'a <pool>');
  const source = root.child('source');
  return frozen({
    type: root.attribute('type'),
    name: textOf(root.child('name')),
    uuid: textOf(root.child('uuid')),
    capacityBytes: bytesOf(root.child('capacity'), 'bytes'),
    allocationBytes: bytesOf(root.child('allocation'), 'bytes'),
    availableBytes: bytesOf(root.child('available'), 'bytes'),
    path: textOf(root.find('target/path')),
    source: source === undefined ? undefined : readPoolSource(source),
    permissions: readPermissions(root.child('target')),
  });
}

/**
 * Reads a storage volume.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a size that is none.
 */
export function readVolume(root: XmlElement): VolumeXml {
  if (root.name !== 'volume') refuseValue(root, `the root is <${root.name}>`, 'a <volume>');
  const target = root.child('target');
  return frozen({
    type: root.attribute('type'),
    name: textOf(root.child('name')),
    key: textOf(root.child('key')),
    capacityBytes: bytesOf(root.child('capacity'), 'bytes'),
    allocationBytes: bytesOf(root.child('allocation'), 'bytes'),
    physicalBytes: bytesOf(root.child('physical'), 'bytes'),
    path: textOf(target?.child('path')),
    format: target?.child('format')?.attribute('type'),
    backing: readBacking(root.child('backingStore')),
    permissions: readPermissions(target),
    timestamps: readTimestamps(target?.child('timestamps')),
    compat: textOf(target?.child('compat')),
    clusterBytes: bytesOf(target?.child('clusterSize'), 'bytes'),
    features: target?.child('features')?.elements.map(({ name }) => name) ?? [],
    encryption: readEncryption(target),
  });
}

function readPoolSource(source: XmlElement): PoolSource {
  const adapter = source.child('adapter');
  return {
    hosts: readStorageHosts(source),
    devices: source.childrenNamed('device').flatMap((device) => device.attribute('path') ?? []),
    dir: source.child('dir')?.attribute('path'),
    name: textOf(source.child('name')),
    format: source.child('format')?.attribute('type'),
    auth: readAuth(source),
    initiator: source.find('initiator/iqn')?.attribute('name'),
    adapter: adapter === undefined ? undefined : readAdapter(adapter),
    vendor: source.child('vendor')?.attribute('name'),
    product: source.child('product')?.attribute('name'),
    protocolVersion: source.child('protocol')?.attribute('ver'),
  };
}

function readAdapter(adapter: XmlElement): PoolAdapter {
  return {
    type: adapter.attribute('type'),
    name: adapter.attribute('name'),
    parent: adapter.attribute('parent'),
    wwnn: adapter.attribute('wwnn'),
    wwpn: adapter.attribute('wwpn'),
  };
}

function readPermissions(target: XmlElement | undefined): StoragePermissions | undefined {
  const permissions = target?.child('permissions');
  if (permissions === undefined) return undefined;
  return {
    mode: textOf(permissions.child('mode')),
    owner: idOf(permissions.child('owner')),
    group: idOf(permissions.child('group')),
    label: textOf(permissions.child('label')),
  };
}

/** libvirt reads -1 as whoever it is. */
function idOf(element: XmlElement | undefined): number | undefined {
  return textOf(element) === '-1' ? undefined : integerOf(element);
}

function readTimestamps(timestamps: XmlElement | undefined): VolumeTimestamps | undefined {
  if (timestamps === undefined) return undefined;
  return {
    accessed: textOf(timestamps.child('atime')),
    modified: textOf(timestamps.child('mtime')),
    changed: textOf(timestamps.child('ctime')),
    born: textOf(timestamps.child('btime')),
  };
}

function readBacking(backing: XmlElement | undefined): VolumeXml['backing'] {
  const path = textOf(backing?.child('path'));
  return path === undefined
    ? undefined
    : { path, format: backing?.child('format')?.attribute('type') };
}
