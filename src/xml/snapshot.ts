import { readDiskSource, type DiskSource } from './domain-disk.ts';
import { readDomain, type DomainXml } from './domain.ts';
import type { XmlElement } from './element.ts';
import { frozen, integerOf, refuseValue, textOf } from './value.ts';

/** What Berth reads of a `<domainsnapshot>`. */
export interface SnapshotXml {
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** What the guest was: running, paused, shutoff, or disk-snapshot. */
  readonly state: string | undefined;
  /** Seconds since the epoch. */
  readonly creationTimeS: number | undefined;
  /** The snapshot that this one was taken on top of. */
  readonly parent: string | undefined;
  /** Where the guest's memory went. */
  readonly memory: SnapshotMemory | undefined;
  readonly disks: readonly SnapshotDisk[];
  /** The domain as it was; undefined in what is given to libvirt to make one. */
  readonly domain: DomainXml | undefined;
  /** What the guest comes back as after a stop, where that differed. */
  readonly inactiveDomain: DomainXml | undefined;
}

/** Where a snapshot keeps the memory. */
export interface SnapshotMemory {
  /** no, internal or external. */
  readonly snapshot: string | undefined;
  readonly file: string | undefined;
}

/** What a snapshot does with one disk. */
export interface SnapshotDisk {
  /** The target of the disk, such as vda, or its path. */
  readonly name: string | undefined;
  /** no, manual, internal or external. */
  readonly snapshot: string | undefined;
  readonly type: string | undefined;
  readonly format: string | undefined;
  /** The new image on top, of an external one. */
  readonly source: DiskSource | undefined;
}

/**
 * Reads a snapshot.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readSnapshot(root: XmlElement): SnapshotXml {
  if (root.name !== 'domainsnapshot') {
    refuseValue(root, `the root is <${root.name}>`, 'a <domainsnapshot>');
  }
  const memory = root.child('memory');
  return frozen({
    name: textOf(root.child('name')),
    description: textOf(root.child('description')),
    state: textOf(root.child('state')),
    creationTimeS: integerOf(root.child('creationTime')),
    parent: textOf(root.find('parent/name')),
    memory:
      memory === undefined
        ? undefined
        : { snapshot: memory.attribute('snapshot'), file: memory.attribute('file') },
    disks: root.findAll('disks/disk').map(readSnapshotDisk),
    domain: readInnerDomain(root.child('domain')),
    inactiveDomain: readInnerDomain(root.child('inactiveDomain')),
  });
}

/**
 * Reads a domain that stands inside another document. Old libvirt kept no more than its UUID there,
 * and that is read as well.
 */
export function readInnerDomain(domain: XmlElement | undefined): DomainXml | undefined {
  return domain === undefined ? undefined : readDomain(domain);
}

function readSnapshotDisk(disk: XmlElement): SnapshotDisk {
  const source = disk.child('source');
  return {
    name: disk.attribute('name'),
    snapshot: disk.attribute('snapshot'),
    type: disk.attribute('type'),
    format: disk.child('driver')?.attribute('type'),
    source: source === undefined ? undefined : readDiskSource(source, disk),
  };
}
