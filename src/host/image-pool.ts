import { berthError } from '../base/errors.ts';
import { toSafeNumber } from '../base/units.ts';
import type { DiskSpec, VmSpec } from '../model/vm-spec.ts';
import {
  connectListAllStoragePools,
  ErrorCode,
  storagePoolGetInfo,
  storagePoolListAllVolumes,
  storagePoolLookupByName,
  storagePoolRefresh,
  storageVolCreateXml,
  storageVolDelete,
  storageVolGetXmlDesc,
  storageVolLookupByName,
  storageVolLookupByPath,
  storageVolResize,
} from '../libvirt/index.ts';
import type { StoragePool, StorageVol, Wait } from '../libvirt/index.ts';
import { el, parseXml, renderXml } from '../xml/index.ts';
import { readVolume } from '../xml/storage.ts';
import type { VolumeXml } from '../xml/storage.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import type { PlacedDisk } from './render-domain.ts';
import { disksInUse } from './volume-users.ts';
import type { IsDisk, VolumeOwners } from './volume-users.ts';

/**
 * The pool in which Berth finds images and makes disks: libvirt's own `default` directory pool.
 * Images are never changed: a disk made from one is a qcow2 overlay that stands on it.
 */
export const IMAGE_POOL = 'default';

/**
 * The file name of a VM's disk: its own name first, so that a person sees whose it is. A disk's name
 * has no dot, so no two disks of two VMs ever have the same.
 */
export function volumeName(vm: string, disk: DiskSpec): string {
  return `${vm}.${disk.name}.qcow2`;
}

/** True for a name that `volumeName` gives to some disk of that VM. */
export function isVolumeOf(vm: string, name: string): boolean {
  return name.startsWith(`${vm}.`) && /^[a-z][a-z0-9-]*\.qcow2$/.test(name.slice(vm.length + 1));
}

/** Names of the volumes that `makeDisk` will make for a VM; a cdrom uses its image itself. */
export function volumeNames(spec: VmSpec): readonly string[] {
  return spec.disks.filter((disk) => disk.device === 'disk').map((d) => volumeName(spec.name, d));
}

/** Files of a host that a VM is to be made with, and who may name which. */
export interface WantedFiles {
  readonly spec: Pick<VmSpec, 'name' | 'disks'>;
  /** Paths of a kernel and an initial RAM disk that must be images of the pool. */
  readonly bootFiles: readonly string[];
  /** Who asks, for messages; needed where there are such. */
  readonly actor: string;
  readonly owners: VolumeOwners;
}

/**
 * Refuses what making the disks would trip over: an image that is missing, a name that is taken,
 * a disk smaller than its image. What is the disk of some VM is no image: a copy of it would tell
 * what is on it, and a guest that goes on writing there would break the copy.
 * @throws BERTH_NOT_FOUND, BERTH_EXISTS, BERTH_SPEC_INVALID, BERTH_DISK_FULL; BERTH_FORBIDDEN for a
 * boot file that is no image of the pool
 */
export async function checkFiles(link: HostLink, wanted: WantedFiles, wait: Wait): Promise<void> {
  const { spec, bootFiles } = wanted;
  if (spec.disks.length === 0 && bootFiles.length === 0) return;
  const pool = await imagePool(link, wait);
  await refreshPool(link, pool, wait);
  const { vols } = await link.call(storagePoolListAllVolumes, { pool, flags: 0 }, wait);
  const hasImages = spec.disks.some(({ image }) => image !== undefined) || bootFiles.length > 0;
  const isDisk = hasImages ? await disksInUse(link, wanted.owners, wait) : () => false;
  const images = vols.filter((vol) => !isDisk(vol));
  checkImages(link, spec, images);
  checkBootFiles(link, wanted, images);
  checkNames(link, spec, vols);
  const { available } = await link.call(storagePoolGetInfo, { pool }, wait);
  if (available === 0n && spec.disks.length > 0) {
    throw berthError('BERTH_DISK_FULL', { what: `the disks of ${spec.name}`, path: pool.name });
  }
}

function checkImages(
  link: HostLink,
  { disks }: Pick<VmSpec, 'disks'>,
  images: readonly StorageVol[],
): void {
  const known = images.map(({ name }) => name);
  for (const { image } of disks) {
    if (image === undefined || known.includes(image)) continue;
    const kind = `image in the pool "${IMAGE_POOL}" of host ${link.name}`;
    throw berthError('BERTH_NOT_FOUND', { kind, name: image, known });
  }
}

/** The key of a volume in a folder is its path. */
function checkBootFiles(
  link: HostLink,
  { bootFiles, actor }: WantedFiles,
  images: readonly StorageVol[],
): void {
  const refused = bootFiles.find((path) => !images.some(({ key }) => key === path));
  if (refused === undefined) return;
  throw berthError('BERTH_FORBIDDEN', {
    actor,
    what: `boot from ${refused} of host ${link.name}`,
    reason: `that is no image in its pool "${IMAGE_POOL}", and other files are for administrators of all VMs`,
  });
}

function checkNames(
  link: HostLink,
  spec: Pick<VmSpec, 'name' | 'disks'>,
  vols: readonly StorageVol[],
): void {
  for (const disk of spec.disks) {
    const name = volumeName(spec.name, disk);
    if (disk.device !== 'disk' || !vols.some((vol) => vol.name === name)) continue;
    const where = `in the pool "${IMAGE_POOL}" of host ${link.name}`;
    const remedy =
      `it was left by a VM that is gone: keep it under another name, or delete it on that host ` +
      `with: virsh vol-delete --pool ${IMAGE_POOL} ${name}`;
    throw berthError('BERTH_EXISTS', { kind: 'volume', name, where, remedy });
  }
}

/**
 * Makes a VM's disk, or finds the one that an interrupted attempt has made.
 * @throws BERTH_NOT_FOUND, BERTH_SPEC_INVALID, BERTH_LIBVIRT_REFUSED
 */
export async function makeDisk(
  link: HostLink,
  vm: string,
  disk: DiskSpec,
  wait: Wait,
): Promise<PlacedDisk> {
  const pool = await imagePool(link, wait);
  const image = disk.image === undefined ? undefined : await volume(link, pool, disk.image, wait);
  if (disk.device === 'cdrom') {
    return { spec: disk, path: image?.path ?? '', format: image?.format ?? 'raw' };
  }
  const name = volumeName(vm, disk);
  const made =
    (await lookUp(link, pool, name, wait)) ??
    (await createVolume(link, pool, volumeXml(name, capacityOf(disk, image), image), wait));
  return { spec: disk, path: made.key, format: 'qcow2' };
}

/**
 * Grows a volume to that many bytes; one that is as large already is left alone. No guest may be
 * using it: QEMU would go on with the size that it knows.
 */
export async function growVolume(
  link: HostLink,
  name: string,
  bytes: number,
  wait: Wait,
): Promise<void> {
  const pool = await imagePool(link, wait);
  const { capacityBytes = 0 } = await volume(link, pool, name, wait);
  if (capacityBytes >= bytes) return;
  const { vol } = await link.call(storageVolLookupByName, { pool, name }, wait);
  await link.call(storageVolResize, { vol, capacity: BigInt(bytes), flags: 0 }, wait);
}

/** Volumes that are to go, if nobody else has them by now. */
export interface Deletion {
  /** Finds out which volumes are disks of others; called right before each deletion. */
  readonly look: () => Promise<IsDisk>;
}

/** Deletes volumes that were made for a VM, by name in the pool. One that is not there is no error. */
export async function deleteVolumes(
  link: HostLink,
  { names, look }: Deletion & { readonly names: readonly string[] },
  wait: Wait,
): Promise<void> {
  if (names.length === 0) return;
  const pool = await imagePool(link, wait);
  for (const name of names) {
    const vol = await lookUp(link, pool, name, wait);
    if (vol !== undefined) await deleteUnlessTaken(link, vol, look, wait);
  }
}

/**
 * Deletes the volumes of a VM by their paths, as its domain's metadata names them. Anybody who may
 * change the domain can write there, and a clone has a copy: what does not carry the VM's name, or
 * lies in another pool, is left alone.
 */
export async function deleteVolumePaths(
  link: HostLink,
  { vm, paths, look }: Deletion & { readonly vm: string; readonly paths: readonly string[] },
  wait: Wait,
): Promise<void> {
  for (const path of paths) {
    try {
      const { vol } = await link.call(storageVolLookupByPath, { path }, wait);
      if (vol.pool !== IMAGE_POOL || !isVolumeOf(vm, vol.name)) continue;
      await deleteUnlessTaken(link, vol, look, wait);
    } catch (error) {
      if (libvirtCodeOf(error) !== ErrorCode.noStorageVol) throw error;
    }
  }
}

async function deleteUnlessTaken(
  link: HostLink,
  vol: StorageVol,
  look: Deletion['look'],
  wait: Wait,
): Promise<void> {
  const isTaken = await look();
  if (!isTaken(vol)) await link.call(storageVolDelete, { vol, flags: 0 }, wait);
}

/** libvirt refuses to look while it makes a volume; what it knows must do then. */
async function refreshPool(link: HostLink, pool: StoragePool, wait: Wait): Promise<void> {
  try {
    await link.call(storagePoolRefresh, { pool, flags: 0 }, wait);
  } catch (error) {
    if (libvirtCodeOf(error) !== ErrorCode.internalError) throw error;
  }
}

async function imagePool(link: HostLink, wait: Wait): Promise<StoragePool> {
  try {
    const { pool } = await link.call(storagePoolLookupByName, { name: IMAGE_POOL }, wait);
    return pool;
  } catch (error) {
    if (libvirtCodeOf(error) !== ErrorCode.noStoragePool) throw error;
    const { pools } = await link.call(connectListAllStoragePools, { flags: 0 }, wait);
    const known = pools.map((pool) => pool.name);
    const kind = `storage pool on host ${link.name}`;
    throw berthError('BERTH_NOT_FOUND', { kind, name: IMAGE_POOL, known }, { cause: error });
  }
}

async function volume(
  link: HostLink,
  pool: StoragePool,
  name: string,
  wait: Wait,
): Promise<VolumeXml> {
  const { vol } = await link.call(storageVolLookupByName, { pool, name }, wait);
  const { xml } = await link.call(storageVolGetXmlDesc, { vol, flags: 0 }, wait);
  return readVolume(parseXml(xml, `volume ${name}`).root);
}

async function lookUp(
  link: HostLink,
  pool: StoragePool,
  name: string,
  wait: Wait,
): Promise<StorageVol | undefined> {
  try {
    const { vol } = await link.call(storageVolLookupByName, { pool, name }, wait);
    return vol;
  } catch (error) {
    if (libvirtCodeOf(error) === ErrorCode.noStorageVol) return undefined;
    throw error;
  }
}

async function createVolume(
  link: HostLink,
  pool: StoragePool,
  xml: string,
  wait: Wait,
): Promise<StorageVol> {
  const { vol } = await link.call(storageVolCreateXml, { pool, xml, flags: 0 }, wait);
  return vol;
}

function capacityOf(disk: DiskSpec, image: VolumeXml | undefined): number {
  const least = image?.capacityBytes ?? 0;
  const asked = disk.sizeBytes ?? least;
  if (asked >= least && asked > 0) return asked;
  throw berthError('BERTH_SPEC_INVALID', {
    where: `disk "${disk.name}"`,
    problem: `${asked} bytes are less than its image "${disk.image}" has (${least})`,
    expected: 'a size of at least that, or none',
  });
}

function volumeXml(name: string, capacity: number, image: VolumeXml | undefined): string {
  const backing =
    image?.path === undefined
      ? undefined
      : el(
          'backingStore',
          {},
          el('path', {}, image.path),
          el('format', { type: image.format ?? 'raw' }),
        );
  return renderXml(
    el(
      'volume',
      { type: 'file' },
      el('name', {}, name),
      el('capacity', { unit: 'bytes' }, toSafeNumber(BigInt(capacity), `capacity of ${name}`)),
      el('target', {}, el('format', { type: 'qcow2' })),
      backing,
    ),
  );
}
