/** Volumes of storage pools. Sizes are bytes. */
import { flags, i32, string, u32, u64 } from '../xdr/codec.ts';
import { command, opening, query } from '../rpc/procedure.ts';
import { StorageVolDownloadFlag, StorageVolUploadFlag } from '../flags/storage-vol-flags.ts';
import { storagePool, storageVol } from './objects.ts';

/**
 * Makes a volume; code 90 where one of that name is there. Flags: StorageVolCreateFlag.
 *
 * @since 0.4.1
 */
export const storageVolCreateXml = command(
  'storageVolCreateXml',
  93,
  { pool: storagePool, xml: string, flags },
  { vol: storageVol },
);

/**
 * Deletes a volume and its data. Flags: StorageVolDeleteFlag.
 *
 * @since 0.4.1
 */
export const storageVolDelete = command('storageVolDelete', 94, { vol: storageVol, flags }, {});

/**
 * The volume of that name in a pool; code 50 where there is none.
 *
 * @since 0.4.1
 */
export const storageVolLookupByName = query(
  'storageVolLookupByName',
  95,
  { pool: storagePool, name: string },
  { vol: storageVol },
);

/**
 * The volume of that key, in whichever pool runs; code 50 where there is none.
 *
 * @since 0.4.1
 */
export const storageVolLookupByKey = query(
  'storageVolLookupByKey',
  96,
  { key: string },
  { vol: storageVol },
);

/**
 * The volume of that path on the host, in whichever pool runs; code 50 where there is none.
 *
 * @since 0.4.1
 */
export const storageVolLookupByPath = query(
  'storageVolLookupByPath',
  97,
  { path: string },
  { vol: storageVol },
);

/**
 * The volume as XML.
 *
 * @since 0.4.1
 */
export const storageVolGetXmlDesc = query(
  'storageVolGetXmlDesc',
  99,
  { vol: storageVol, flags },
  { xml: string },
);

/**
 * The volume's path on the host, which disks of guests name.
 *
 * @since 0.4.1
 */
export const storageVolGetPath = query(
  'storageVolGetPath',
  100,
  { vol: storageVol },
  { name: string },
);

/**
 * Makes a volume as a copy of another, converted where the format differs; the reply comes when the
 * data are copied, so give it time. Flags: StorageVolCreateFlag.
 *
 * @since 0.6.4
 */
export const storageVolCreateXmlFrom = command(
  'storageVolCreateXmlFrom',
  125,
  { pool: storagePool, xml: string, clonevol: storageVol, flags },
  { vol: storageVol },
);

/**
 * Overwrites a volume with zeros; the reply comes when that is done.
 *
 * @since 0.8.0
 */
export const storageVolWipe = command('storageVolWipe', 165, { vol: storageVol, flags }, {});

/**
 * Writes into a volume from `offset` on, at most `length` bytes; 0 sets no limit, not even the
 * volume's size: a file grows then. More data than `length` fail the stream with code 38; the libvirtd
 * of 11.3.0 (Debian 13) crashes then, whoever the client is, those of 9.0.0 and 12.8.0 do not. Flags:
 * StorageVolUploadFlag.
 *
 * @since 0.9.0
 */
export const storageVolUpload = opening(
  'storageVolUpload',
  208,
  'write',
  { vol: storageVol, offset: u64, length: u64, flags },
  {},
  StorageVolUploadFlag.sparseStream,
);

/**
 * Reads a volume from `offset` on; `length` 0 means to its end. Flags: StorageVolDownloadFlag.
 *
 * @since 0.9.0
 */
export const storageVolDownload = opening(
  'storageVolDownload',
  209,
  'read',
  { vol: storageVol, offset: u64, length: u64, flags },
  {},
  StorageVolDownloadFlag.sparseStream,
);

/**
 * Overwrites a volume in a way of one's choice (StorageVolWipeAlgorithm); most need the program
 * `scrub` on the host.
 *
 * @since 0.9.10
 */
export const storageVolWipePattern = command(
  'storageVolWipePattern',
  259,
  { vol: storageVol, algorithm: u32, flags },
  {},
);

/**
 * Grows or, with a flag, shrinks a volume to `capacity` bytes, or by as much. Flags:
 * StorageVolResizeFlag.
 *
 * @since 0.9.10
 */
export const storageVolResize = command(
  'storageVolResize',
  260,
  { vol: storageVol, capacity: u64, flags },
  {},
);

/**
 * Kind (StorageVolType) and sizes in bytes: what a guest sees, and what the volume takes. With
 * StorageVolInfoFlag.getPhysical, `allocation` is the size of the file itself.
 *
 * @since 3.0.0
 */
export const storageVolGetInfoFlags = query(
  'storageVolGetInfoFlags',
  378,
  { vol: storageVol, flags },
  { type: i32, capacity: u64, allocation: u64 },
);
