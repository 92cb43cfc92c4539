/** What a volume is (VIR_STORAGE_VOL_*). */
export const StorageVolType = {
  file: 0,
  block: 1,
  dir: 2,
  network: 3,
  netdir: 4,
  ploop: 5,
} as const;

/** How a volume is made (VIR_STORAGE_VOL_CREATE_*). */
export const StorageVolCreateFlag = {
  preallocMetadata: 1 << 0,
  /** Shares blocks with the volume that is copied, where the file system can. */
  reflink: 1 << 1,
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 1 << 2,
} as const;

/** How a volume is deleted (VIR_STORAGE_VOL_DELETE_*). */
export const StorageVolDeleteFlag = { normal: 0, zeroed: 1 << 0, withSnapshots: 1 << 1 } as const;

/** How a volume is resized (VIR_STORAGE_VOL_RESIZE_*). */
export const StorageVolResizeFlag = {
  /** Takes the space at once. */
  allocate: 1 << 0,
  /** The capacity is meant as a difference. */
  delta: 1 << 1,
  /** Lets the volume become smaller, and its end be lost. */
  shrink: 1 << 2,
} as const;

/** Which size of a volume is meant (VIR_STORAGE_VOL_*). */
export const StorageVolInfoFlag = { useAllocation: 0, getPhysical: 1 << 0 } as const;

/** How a volume is read (VIR_STORAGE_VOL_DOWNLOAD_*). */
export const StorageVolDownloadFlag = { sparseStream: 1 << 0 } as const;

/** How a volume is written (VIR_STORAGE_VOL_UPLOAD_*). */
export const StorageVolUploadFlag = { sparseStream: 1 << 0 } as const;

/** How a volume is overwritten (VIR_STORAGE_VOL_WIPE_ALG_*); in brackets how often. */
export const StorageVolWipeAlgorithm = {
  /** Zeros (1). */
  zero: 0,
  /** NNSA policy letter NAP-14.1-C (4). */
  nnsa: 1,
  /** US DoD 5220.22-M (4). */
  dod: 2,
  /** German BSI (9). */
  bsi: 3,
  /** Gutmann's (35). */
  gutmann: 4,
  /** Schneier's (7). */
  schneier: 5,
  /** Pfitzner's short one, random data (7). */
  pfitzner7: 6,
  /** Pfitzner's long one, random data (33). */
  pfitzner33: 7,
  /** Random data (1). */
  random: 8,
  /** Gives all blocks back (1). */
  trim: 9,
} as const;
