/** Storage pools and volumes. Sizes are bytes. */
import { always, bool, flags, i32, list, string, u32, u64 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, opening, query } from '../rpc/procedure.ts';
import { OBJECTS_MAX, storagePool, storageVol } from './objects.ts';

/** All pools that the flags choose (StoragePoolListFlag). */
export const connectListAllStoragePools = query(
  'connectListAllStoragePools',
  281,
  { needResults: always(1), flags },
  { pools: list(storagePool, OBJECTS_MAX), ret: u32 },
);

/** Starts a transient pool from XML. Flags: StoragePoolCreateFlag. */
export const storagePoolCreateXml = command(
  'storagePoolCreateXml',
  76,
  { xml: string, flags },
  { pool: storagePool },
);

export const storagePoolDefineXml = command(
  'storagePoolDefineXml',
  77,
  { xml: string, flags },
  { pool: storagePool },
);

/** Starts a defined pool. Flags: StoragePoolCreateFlag. */
export const storagePoolCreate = command('storagePoolCreate', 78, { pool: storagePool, flags }, {});

/** Makes the storage itself: the directory, the file system. Flags: StoragePoolBuildFlag. */
export const storagePoolBuild = command('storagePoolBuild', 79, { pool: storagePool, flags }, {});

/** Stops a pool; its data stay. */
export const storagePoolDestroy = command('storagePoolDestroy', 80, { pool: storagePool }, {});

/** Deletes the storage itself. */
export const storagePoolDelete = command('storagePoolDelete', 81, { pool: storagePool, flags }, {});

/** Removes the definition. */
export const storagePoolUndefine = command('storagePoolUndefine', 82, { pool: storagePool }, {});

/** Looks for volumes anew; those made behind libvirt's back are seen only after this. */
export const storagePoolRefresh = command(
  'storagePoolRefresh',
  83,
  { pool: storagePool, flags },
  {},
);

export const storagePoolLookupByName = query(
  'storagePoolLookupByName',
  84,
  { name: string },
  { pool: storagePool },
);

export const storagePoolLookupByUuid = query(
  'storagePoolLookupByUuid',
  85,
  { uuid },
  { pool: storagePool },
);

export const storagePoolLookupByVolume = query(
  'storagePoolLookupByVolume',
  86,
  { vol: storageVol },
  { pool: storagePool },
);

/** `state` is a StoragePoolState. */
export const storagePoolGetInfo = query(
  'storagePoolGetInfo',
  87,
  { pool: storagePool },
  { state: u32, capacity: u64, allocation: u64, available: u64 },
);

export const storagePoolGetXmlDesc = query(
  'storagePoolGetXmlDesc',
  88,
  { pool: storagePool, flags },
  { xml: string },
);

export const storagePoolGetAutostart = query(
  'storagePoolGetAutostart',
  89,
  { pool: storagePool },
  { autostart: bool },
);

export const storagePoolSetAutostart = command(
  'storagePoolSetAutostart',
  90,
  { pool: storagePool, autostart: bool },
  {},
);

export const storagePoolIsActive = query(
  'storagePoolIsActive',
  154,
  { pool: storagePool },
  { active: bool },
);

export const storagePoolListAllVolumes = query(
  'storagePoolListAllVolumes',
  282,
  { pool: storagePool, needResults: always(1), flags },
  { vols: list(storageVol, OBJECTS_MAX), ret: u32 },
);

/** The pool that serves a directory. Libvirt 4.1. */
export const storagePoolLookupByTargetPath = query(
  'storagePoolLookupByTargetPath',
  391,
  { path: string },
  { pool: storagePool },
);

/** Makes a volume. Flags: StorageVolCreateFlag. */
export const storageVolCreateXml = command(
  'storageVolCreateXml',
  93,
  { pool: storagePool, xml: string, flags },
  { vol: storageVol },
);

/** Makes a volume as a copy of another; the reply comes when the data are copied. */
export const storageVolCreateXmlFrom = command(
  'storageVolCreateXmlFrom',
  125,
  { pool: storagePool, xml: string, clonevol: storageVol, flags },
  { vol: storageVol },
);

export const storageVolDelete = command('storageVolDelete', 94, { vol: storageVol, flags }, {});

export const storageVolLookupByName = query(
  'storageVolLookupByName',
  95,
  { pool: storagePool, name: string },
  { vol: storageVol },
);

export const storageVolLookupByKey = query(
  'storageVolLookupByKey',
  96,
  { key: string },
  { vol: storageVol },
);

export const storageVolLookupByPath = query(
  'storageVolLookupByPath',
  97,
  { path: string },
  { vol: storageVol },
);

export const storageVolGetXmlDesc = query(
  'storageVolGetXmlDesc',
  99,
  { vol: storageVol, flags },
  { xml: string },
);

export const storageVolGetPath = query(
  'storageVolGetPath',
  100,
  { vol: storageVol },
  { name: string },
);

/** Grows or, with a flag, shrinks a volume to `capacity`. Flags: StorageVolResizeFlag. */
export const storageVolResize = command(
  'storageVolResize',
  260,
  { vol: storageVol, capacity: u64, flags },
  {},
);

/** Overwrites a volume (`algorithm`: 0 zeros, 9 trim). */
export const storageVolWipePattern = command(
  'storageVolWipePattern',
  259,
  { vol: storageVol, algorithm: u32, flags },
  {},
);

/** `type` is a StorageVolType. With StorageVolInfoFlag.getPhysical, `allocation` is the physical size. */
export const storageVolGetInfoFlags = query(
  'storageVolGetInfoFlags',
  378,
  { vol: storageVol, flags },
  { type: i32, capacity: u64, allocation: u64 },
);

/** Writes into a volume from `offset` on; `length` 0 means to its end. */
export const storageVolUpload = opening(
  'storageVolUpload',
  208,
  'write',
  { vol: storageVol, offset: u64, length: u64, flags },
  {},
);

/** Reads a volume from `offset` on; `length` 0 means to its end. Sparse holes read as zeros. */
export const storageVolDownload = opening(
  'storageVolDownload',
  209,
  'read',
  { vol: storageVol, offset: u64, length: u64, flags },
  {},
);
