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
  zfs: 1 << 17,
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
  withBuild: 1,
  withBuildOverwrite: 2,
  withBuildNoOverwrite: 4,
} as const;

/** How a pool's storage is made (VIR_STORAGE_POOL_BUILD_*). */
export const StoragePoolBuildFlag = {
  new: 0,
  repair: 1,
  resize: 2,
  noOverwrite: 4,
  overwrite: 8,
} as const;

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
export const StorageVolCreateFlag = { preallocMetadata: 1, reflink: 2, validate: 4 } as const;

/** How a volume is deleted (VIR_STORAGE_VOL_DELETE_*). */
export const StorageVolDeleteFlag = { normal: 0, zeroed: 1, withSnapshots: 2 } as const;

/** How a volume is resized (VIR_STORAGE_VOL_RESIZE_*). */
export const StorageVolResizeFlag = { allocate: 1, delta: 2, shrink: 4 } as const;

/** Which size of a volume is meant (VIR_STORAGE_VOL_*). */
export const StorageVolInfoFlag = { useAllocation: 0, getPhysical: 1 } as const;

/** How a volume is read (VIR_STORAGE_VOL_DOWNLOAD_*). */
export const StorageVolDownloadFlag = { sparseStream: 1 } as const;

/** Which networks a list holds (VIR_CONNECT_LIST_NETWORKS_*); none means all. */
export const NetworkListFlag = {
  inactive: 1 << 0,
  active: 1 << 1,
  persistent: 1 << 2,
  transient: 1 << 3,
  autostart: 1 << 4,
  noAutostart: 1 << 5,
} as const;

/** How a network is defined (VIR_NETWORK_DEFINE_*). */
export const NetworkDefineFlag = { validate: 1 } as const;

/** How a network is described (VIR_NETWORK_XML_*). */
export const NetworkXmlFlag = { inactive: 1 } as const;

/** Which devices a list holds (VIR_CONNECT_LIST_NODE_DEVICES_CAP_*); none means all. */
export const NodeDeviceListFlag = {
  system: 1 << 0,
  pciDev: 1 << 1,
  usbDev: 1 << 2,
  usbInterface: 1 << 3,
  net: 1 << 4,
  scsiHost: 1 << 5,
  scsiTarget: 1 << 6,
  scsi: 1 << 7,
  storage: 1 << 8,
  fcHost: 1 << 9,
  vports: 1 << 10,
  scsiGeneric: 1 << 11,
  drm: 1 << 12,
  mdevTypes: 1 << 13,
  mdev: 1 << 14,
  vdpa: 1 << 17,
  vpd: 1 << 21,
} as const;

/** Which secrets a list holds (VIR_CONNECT_LIST_SECRETS_*); none means all. */
export const SecretListFlag = {
  ephemeral: 1 << 0,
  noEphemeral: 1 << 1,
  private: 1 << 2,
  noPrivate: 1 << 3,
} as const;

/** What a secret is for (VIR_SECRET_USAGE_TYPE_*). */
export const SecretUsageType = {
  none: 0,
  volume: 1,
  ceph: 2,
  iscsi: 3,
  tls: 4,
  /** Libvirt 5.6. */
  vtpm: 5,
} as const;

/** Whether pages are added to a pool or the pool is set to that size (VIR_NODE_ALLOC_PAGES_*). */
export const NodeAllocPagesFlag = { add: 0, set: 1 } as const;

/** Network events (VIR_NETWORK_EVENT_*). */
export const NetworkEventType = { defined: 0, undefined: 1, started: 2, stopped: 3 } as const;

/** Storage pool events (VIR_STORAGE_POOL_EVENT_*). */
export const StoragePoolEventType = {
  defined: 0,
  undefined: 1,
  started: 2,
  stopped: 3,
  created: 4,
  deleted: 5,
} as const;

/** Node device events (VIR_NODE_DEVICE_EVENT_*). */
export const NodeDeviceEventType = { created: 0, deleted: 1, defined: 2, undefined: 3 } as const;

/** Secret events (VIR_SECRET_EVENT_*). */
export const SecretEventType = { defined: 0, undefined: 1 } as const;
