import type { DomainXml } from './domain.ts';
import type { XmlElement } from './element.ts';
import { readInnerDomain } from './snapshot.ts';
import { bytesAttribute, frozen, integerOf, refuseValue, textOf } from './value.ts';

/** What Berth reads of a `<domaincheckpoint>`: a point in time that changes are counted from. */
export interface CheckpointXml {
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** Seconds since the epoch. */
  readonly creationTimeS: number | undefined;
  /** The checkpoint before. */
  readonly parent: string | undefined;
  readonly disks: readonly CheckpointDisk[];
  /** The domain as it was; undefined in what is given to libvirt to make one. */
  readonly domain: DomainXml | undefined;
}

/** What a checkpoint holds of one disk. */
export interface CheckpointDisk {
  /** The target of the disk, such as vda, or its path. */
  readonly name: string | undefined;
  /** no or bitmap. */
  readonly checkpoint: string | undefined;
  /** What the dirty bitmap in the image is called. */
  readonly bitmap: string | undefined;
  /** How much has changed since; only told when it is asked for. */
  readonly sizeBytes: number | undefined;
}

/**
 * Reads a checkpoint.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readCheckpoint(root: XmlElement): CheckpointXml {
  if (root.name !== 'domaincheckpoint') {
    refuseValue(root, `the root is <${root.name}>`, 'a <domaincheckpoint>');
  }
  return frozen({
    name: textOf(root.child('name')),
    description: textOf(root.child('description')),
    creationTimeS: integerOf(root.child('creationTime')),
    parent: textOf(root.find('parent/name')),
    disks: root.findAll('disks/disk').map((disk) => ({
      name: disk.attribute('name'),
      checkpoint: disk.attribute('checkpoint'),
      bitmap: disk.attribute('bitmap'),
      sizeBytes: bytesAttribute(disk, 'size', 'unit', 'bytes'),
    })),
    domain: readInnerDomain(root.child('domain')),
  });
}
