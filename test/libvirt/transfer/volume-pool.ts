import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  storagePoolCreate,
  storagePoolDefineXml,
  storagePoolRefresh,
  storageVolCreateXml,
  type Connection,
  type StoragePool,
  type StorageVol,
} from '../../../src/libvirt/index.ts';
import { daemon, folderPoolXml, open, WAIT } from '../daemon.ts';

/** A folder pool of a real daemon, and where its volumes lie as seen from here. */
export class VolumePool {
  readonly connection: Connection;
  readonly pool: StoragePool;
  readonly #folder: string;

  private constructor(connection: Connection, pool: StoragePool, folder: string) {
    this.connection = connection;
    this.pool = pool;
    this.#folder = folder;
  }

  static async make(t: TestContext, name: string): Promise<VolumePool> {
    const connection = await open(t, 'qemu');
    const xml = await folderPoolXml(name);
    const { pool } = await connection.call(storagePoolDefineXml, { xml }, WAIT);
    await connection.call(storagePoolCreate, { pool }, WAIT);
    return new VolumePool(connection, pool, join((await daemon()).images.outside, name));
  }

  /** A new volume; raw, and nothing of it allocated, unless said otherwise. */
  async volume(name: string, bytes: number, format = 'raw', allocation = 0): Promise<StorageVol> {
    const xml = `<volume><name>${name}</name><capacity>${bytes}</capacity>
<allocation>${allocation}</allocation><target><format type='${format}'/></target></volume>`;
    const args = { pool: this.pool, xml };
    return (await this.connection.call(storageVolCreateXml, args, WAIT)).vol;
  }

  /** Where a volume lies, as seen from here. */
  path(vol: StorageVol): string {
    return join(this.#folder, vol.name);
  }

  async refresh(): Promise<void> {
    await this.connection.call(storagePoolRefresh, { pool: this.pool }, WAIT);
  }
}
