/** Storage pools. Sizes are bytes. */
import { always, bool, flags, list, optional, string, u32, u64 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { OBJECTS_MAX, storagePool, storageVol } from './objects.ts';

/**
 * What of a kind could become a pool, as XML: volume groups (`logical`), exports of an NFS server
 * (`netfs`), targets of a portal (`iscsi`). `srcSpec` is a `<source>` that says where to look.
 *
 * @since 0.4.5
 */
export const connectFindStoragePoolSources = query(
  'connectFindStoragePoolSources',
  75,
  { type: string, srcSpec: optional(string), flags },
  { xml: string },
);

/**
 * All pools that the flags choose (StoragePoolListFlag); `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllStoragePools = query(
  'connectListAllStoragePools',
  281,
  { needResults: always(1), flags },
  { pools: list(storagePool, OBJECTS_MAX), ret: u32 },
);

/**
 * Starts a transient pool from XML. Flags: StoragePoolCreateFlag.
 *
 * @since 0.4.1
 */
export const storagePoolCreateXml = command(
  'storagePoolCreateXml',
  76,
  { xml: string, flags },
  { pool: storagePool },
);

/**
 * Defines a pool, or defines it anew. Flags: StoragePoolDefineFlag.
 *
 * @since 0.4.1
 */
export const storagePoolDefineXml = command(
  'storagePoolDefineXml',
  77,
  { xml: string, flags },
  { pool: storagePool },
);

/**
 * Starts a defined pool; code 55 where it runs. Flags: StoragePoolCreateFlag.
 *
 * @since 0.4.1
 */
export const storagePoolCreate = command('storagePoolCreate', 78, { pool: storagePool, flags }, {});

/**
 * Makes the storage itself: the directory, the file system, the volume group. Flags:
 * StoragePoolBuildFlag.
 *
 * @since 0.4.1
 */
export const storagePoolBuild = command('storagePoolBuild', 79, { pool: storagePool, flags }, {});

/**
 * Stops a pool; its data stay. A transient one is gone.
 *
 * @since 0.4.1
 */
export const storagePoolDestroy = command('storagePoolDestroy', 80, { pool: storagePool }, {});

/**
 * Deletes the storage of a stopped pool: a directory only when it is empty. Flags:
 * StoragePoolDeleteFlag.
 *
 * @since 0.4.1
 */
export const storagePoolDelete = command('storagePoolDelete', 81, { pool: storagePool, flags }, {});

/**
 * Removes the definition of a stopped pool.
 *
 * @since 0.4.1
 */
export const storagePoolUndefine = command('storagePoolUndefine', 82, { pool: storagePool }, {});

/**
 * Looks for volumes anew; those made behind libvirt's back are seen only after this.
 *
 * @since 0.4.1
 */
export const storagePoolRefresh = command(
  'storagePoolRefresh',
  83,
  { pool: storagePool, flags },
  {},
);

/**
 * The pool of that name; code 49 where there is none.
 *
 * @since 0.4.1
 */
export const storagePoolLookupByName = query(
  'storagePoolLookupByName',
  84,
  { name: string },
  { pool: storagePool },
);

/**
 * The pool of that UUID; code 49 where there is none.
 *
 * @since 0.4.1
 */
export const storagePoolLookupByUuid = query(
  'storagePoolLookupByUuid',
  85,
  { uuid },
  { pool: storagePool },
);

/**
 * The pool that holds a volume.
 *
 * @since 0.4.1
 */
export const storagePoolLookupByVolume = query(
  'storagePoolLookupByVolume',
  86,
  { vol: storageVol },
  { pool: storagePool },
);

/**
 * State (StoragePoolState) and sizes in bytes: all there is, what volumes take, what is free. The
 * sizes are those of the last refresh.
 *
 * @since 0.4.1
 */
export const storagePoolGetInfo = query(
  'storagePoolGetInfo',
  87,
  { pool: storagePool },
  { state: u32, capacity: u64, allocation: u64, available: u64 },
);

/**
 * The pool as XML. Flags: StorageXmlFlag.
 *
 * @since 0.4.1
 */
export const storagePoolGetXmlDesc = query(
  'storagePoolGetXmlDesc',
  88,
  { pool: storagePool, flags },
  { xml: string },
);

/**
 * Whether the pool starts with the daemon.
 *
 * @since 0.4.1
 */
export const storagePoolGetAutostart = query(
  'storagePoolGetAutostart',
  89,
  { pool: storagePool },
  { autostart: bool },
);

/**
 * Sets whether the pool starts with the daemon; an error for a transient one.
 *
 * @since 0.4.1
 */
export const storagePoolSetAutostart = command(
  'storagePoolSetAutostart',
  90,
  { pool: storagePool, autostart: bool },
  {},
);

/**
 * Whether the pool runs.
 *
 * @since 0.7.3
 */
export const storagePoolIsActive = query(
  'storagePoolIsActive',
  154,
  { pool: storagePool },
  { active: bool },
);

/**
 * Whether the pool has a definition.
 *
 * @since 0.7.3
 */
export const storagePoolIsPersistent = query(
  'storagePoolIsPersistent',
  155,
  { pool: storagePool },
  { persistent: bool },
);

/**
 * All volumes of a running pool, as of its last refresh; `ret` is how many.
 *
 * @since 0.10.2
 */
export const storagePoolListAllVolumes = query(
  'storagePoolListAllVolumes',
  282,
  { pool: storagePool, needResults: always(1), flags },
  { vols: list(storageVol, OBJECTS_MAX), ret: u32 },
);

/**
 * The running pool that serves a directory; code 49 where none does.
 *
 * @since 4.1.0
 */
export const storagePoolLookupByTargetPath = query(
  'storagePoolLookupByTargetPath',
  391,
  { path: string },
  { pool: storagePool },
);
