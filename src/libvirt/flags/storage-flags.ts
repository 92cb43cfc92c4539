/** Which pools a list holds (VIR_CONNECT_LIST_STORAGE_POOLS_*); none means all. */
export const StoragePoolListFlag = {
  inactive: 1 << 0,
  active: 1 << 1,
  persistent: 1 << 2,
  transient: 1 << 3,
  autostart: 1 << 4,
  noAutostart: 1 << 5,
  dir: 1 << 6,
  fs: 1 << 7,
  netfs: 1 << 8,
  logical: 1 << 9,
  disk: 1 << 10,
  iscsi: 1 << 11,
  scsi: 1 << 12,
  mpath: 1 << 13,
  rbd: 1 << 14,
  sheepdog: 1 << 15,
  gluster: 1 << 16,
  zfs: 1 << 17,
  vstorage: 1 << 18,
  /** Libvirt 5.6. */
  iscsiDirect: 1 << 19,
} as const;

/** What a pool is doing (VIR_STORAGE_POOL_*). */
export const StoragePoolState = {
  inactive: 0,
  building: 1,
  running: 2,
  degraded: 3,
  inaccessible: 4,
} as const;

/** How a pool is started (VIR_STORAGE_POOL_CREATE_*). */
export const StoragePoolCreateFlag = {
  normal: 0,
  withBuild: 1 << 0,
  withBuildOverwrite: 1 << 1,
  withBuildNoOverwrite: 1 << 2,
} as const;

/** How a pool's storage is made (VIR_STORAGE_POOL_BUILD_*). */
export const StoragePoolBuildFlag = {
  new: 0,
  repair: 1 << 0,
  resize: 1 << 1,
  /** Refuses where there is storage of another kind. */
  noOverwrite: 1 << 2,
  /** Makes it whatever is there. */
  overwrite: 1 << 3,
} as const;

/** How a pool's storage is deleted (VIR_STORAGE_POOL_DELETE_*). */
export const StoragePoolDeleteFlag = { normal: 0, zeroed: 1 << 0 } as const;

/** How a pool is defined (VIR_STORAGE_POOL_DEFINE_*). */
export const StoragePoolDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1 << 0,
} as const;

/** How a pool is described (VIR_STORAGE_XML_*). */
export const StorageXmlFlag = {
  /** The definition, not what runs. */
  inactive: 1 << 0,
} as const;

/** Storage pool events (VIR_STORAGE_POOL_EVENT_*). */
export const StoragePoolEventType = {
  defined: 0,
  undefined: 1,
  started: 2,
  stopped: 3,
  created: 4,
  deleted: 5,
} as const;
