import type { XmlElement } from './element.ts';
import { bytesOf, frozen, refuseValue, textOf } from './value.ts';

/** What Berth reads of a storage `<pool>`. Sizes are those libvirt last saw: refresh to renew them. */
export interface PoolXml {
  /** dir, fs, logical, rbd ... */
  readonly type: string | undefined;
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  readonly capacityBytes: number | undefined;
  readonly allocationBytes: number | undefined;
  readonly availableBytes: number | undefined;
  readonly path: string | undefined;
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
}

/**
 * Reads a storage pool.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a size that is none.
 */
export function readPool(root: XmlElement): PoolXml {
  if (root.name !== 'pool') refuseValue(root, `the root is <${root.name}>`, 'a <pool>');
  return frozen({
    type: root.attribute('type'),
    name: textOf(root.child('name')),
    uuid: textOf(root.child('uuid')),
    capacityBytes: bytesOf(root.child('capacity'), 'bytes'),
    allocationBytes: bytesOf(root.child('allocation'), 'bytes'),
    availableBytes: bytesOf(root.child('available'), 'bytes'),
    path: textOf(root.find('target/path')),
  });
}

/**
 * Reads a storage volume.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a size that is none.
 */
export function readVolume(root: XmlElement): VolumeXml {
  if (root.name !== 'volume') refuseValue(root, `the root is <${root.name}>`, 'a <volume>');
  const backing = root.child('backingStore');
  const backingPath = textOf(backing?.child('path'));
  return frozen({
    type: root.attribute('type'),
    name: textOf(root.child('name')),
    key: textOf(root.child('key')),
    capacityBytes: bytesOf(root.child('capacity'), 'bytes'),
    allocationBytes: bytesOf(root.child('allocation'), 'bytes'),
    physicalBytes: bytesOf(root.child('physical'), 'bytes'),
    path: textOf(root.find('target/path')),
    format: root.find('target/format')?.attribute('type'),
    backing:
      backingPath === undefined
        ? undefined
        : { path: backingPath, format: backing?.child('format')?.attribute('type') },
  });
}
