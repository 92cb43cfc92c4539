import { ErrorCode } from '../../../src/libvirt/index.ts';
import type { StoragePool, StorageVol } from '../../../src/libvirt/index.ts';
import { el, parseXml, renderXml } from '../../../src/xml/index.ts';
import { readVolume } from '../../../src/xml/storage.ts';
import { Refusal } from './refusal-of-libvirt.ts';

const POOL: StoragePool = { name: 'default', uuid: '00000000-0000-4000-8000-00000000d1c0' };
const FOLDER = '/var/lib/libvirt/images';
const CAPACITY = 100n * 1024n ** 3n;

/** The image that disks may stand on. */
export const IMAGE = 'debian-12.qcow2';
const IMAGE_BYTES = 2 * 1024 ** 3;

/** A host's storage pool `default`, a folder of volumes. */
export class SimulatedPool {
  /** Sizes in bytes by name. */
  readonly #volumes = new Map([[IMAGE, IMAGE_BYTES]]);
  /** True while something else has filled the disk that the pool is on. */
  isFull = false;

  readonly pools: readonly StoragePool[] = [POOL];

  get names(): readonly string[] {
    return [...this.#volumes.keys()];
  }

  pool(name: string): StoragePool {
    if (name === POOL.name) return POOL;
    throw new Refusal(ErrorCode.noStoragePool, `no storage pool with matching name '${name}'`);
  }

  info(): { state: number; capacity: bigint; allocation: bigint; available: bigint } {
    const running = 2;
    const allocation = this.isFull ? CAPACITY : 0n;
    return { state: running, capacity: CAPACITY, allocation, available: CAPACITY - allocation };
  }

  volumes(): readonly StorageVol[] {
    return this.names.map(volumeOf);
  }

  byName(name: string): StorageVol {
    if (this.#volumes.has(name)) return volumeOf(name);
    throw new Refusal(ErrorCode.noStorageVol, `no storage vol with matching name '${name}'`);
  }

  byPath(path: string): StorageVol {
    const name = path.startsWith(`${FOLDER}/`) ? path.slice(FOLDER.length + 1) : '';
    if (this.#volumes.has(name)) return volumeOf(name);
    throw new Refusal(ErrorCode.noStorageVol, `no storage vol with matching path '${path}'`);
  }

  create(xml: string): StorageVol {
    const { name = '', capacityBytes = 0 } = readVolume(parseXml(xml, 'a volume').root);
    if (this.#volumes.has(name)) {
      throw new Refusal(ErrorCode.storageVolExist, `storage volume '${name}' exists already`);
    }
    if (this.isFull) throw new Refusal(ErrorCode.systemError, 'No space left on device');
    this.#volumes.set(name, capacityBytes);
    return volumeOf(name);
  }

  resize({ name }: StorageVol, bytes: number): void {
    this.byName(name);
    if (this.isFull) throw new Refusal(ErrorCode.systemError, 'No space left on device');
    this.#volumes.set(name, bytes);
  }

  delete({ name }: StorageVol): void {
    this.byName(name);
    this.#volumes.delete(name);
  }

  xml({ name }: StorageVol): string {
    this.byName(name);
    const { key } = volumeOf(name);
    const size = { unit: 'bytes' };
    return renderXml(
      el(
        'volume',
        { type: 'file' },
        el('name', {}, name),
        el('key', {}, key),
        el('capacity', size, this.#volumes.get(name) ?? 0),
        el('allocation', size, 0),
        el('target', {}, el('path', {}, key), el('format', { type: 'qcow2' })),
      ),
    );
  }
}

function volumeOf(name: string): StorageVol {
  return { pool: POOL.name, name, key: `${FOLDER}/${name}` };
}
