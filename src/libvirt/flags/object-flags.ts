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
  withBuild: 1,
  withBuildOverwrite: 2,
  withBuildNoOverwrite: 4,
} as const;

/** How a pool's storage is made (VIR_STORAGE_POOL_BUILD_*). */
export const StoragePoolBuildFlag = {
  new: 0,
  repair: 1,
  resize: 2,
  /** Refuses where there is storage of another kind. */
  noOverwrite: 4,
  /** Makes it whatever is there. */
  overwrite: 8,
} as const;

/** How a pool's storage is deleted (VIR_STORAGE_POOL_DELETE_*). */
export const StoragePoolDeleteFlag = { normal: 0, zeroed: 1 } as const;

/** How a pool is defined (VIR_STORAGE_POOL_DEFINE_*). */
export const StoragePoolDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1,
} as const;

/** How a pool is described (VIR_STORAGE_XML_*). */
export const StorageXmlFlag = {
  /** The definition, not what runs. */
  inactive: 1,
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
export const StorageVolCreateFlag = {
  preallocMetadata: 1,
  /** Shares blocks with the volume that is copied, where the file system can. */
  reflink: 2,
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 4,
} as const;

/** How a volume is deleted (VIR_STORAGE_VOL_DELETE_*). */
export const StorageVolDeleteFlag = { normal: 0, zeroed: 1, withSnapshots: 2 } as const;

/** How a volume is resized (VIR_STORAGE_VOL_RESIZE_*). */
export const StorageVolResizeFlag = {
  /** Takes the space at once. */
  allocate: 1,
  /** The capacity is meant as a difference. */
  delta: 2,
  /** Lets the volume become smaller, and its end be lost. */
  shrink: 4,
} as const;

/** Which size of a volume is meant (VIR_STORAGE_VOL_*). */
export const StorageVolInfoFlag = { useAllocation: 0, getPhysical: 1 } as const;

/** How a volume is read (VIR_STORAGE_VOL_DOWNLOAD_*). */
export const StorageVolDownloadFlag = { sparseStream: 1 } as const;

/** How a volume is written (VIR_STORAGE_VOL_UPLOAD_*). */
export const StorageVolUploadFlag = { sparseStream: 1 } as const;

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

/** How a transient network is started (VIR_NETWORK_CREATE_*). */
export const NetworkCreateFlag = { validate: 1 } as const;

/** What `networkUpdate` does (VIR_NETWORK_UPDATE_COMMAND_*). */
export const NetworkUpdateCommand = {
  none: 0,
  modify: 1,
  delete: 2,
  addLast: 3,
  addFirst: 4,
} as const;

/** Which element `networkUpdate` changes (VIR_NETWORK_SECTION_*); some are never changeable. */
export const NetworkSection = {
  none: 0,
  bridge: 1,
  domain: 2,
  ip: 3,
  ipDhcpHost: 4,
  ipDhcpRange: 5,
  forward: 6,
  forwardInterface: 7,
  forwardPf: 8,
  portgroup: 9,
  dnsHost: 10,
  dnsTxt: 11,
  dnsSrv: 12,
} as const;

/** Which state of a network changes (VIR_NETWORK_UPDATE_AFFECT_*). */
export const NetworkUpdateFlag = {
  /** The live one where it runs, else the definition. */
  affectCurrent: 0,
  affectLive: 1,
  affectConfig: 2,
} as const;

/** Which of a network's metadata are meant (VIR_NETWORK_METADATA_*). Libvirt 9.7. */
export const NetworkMetadataType = { description: 0, title: 1, element: 2 } as const;

/** How a port is made (VIR_NETWORK_PORT_CREATE_*). */
export const NetworkPortCreateFlag = {
  /** Takes over what a port of this description held before, as after a restart of the daemon. */
  reclaim: 1,
  /** Refuses XML that is not valid by the schema. Libvirt 7.8. */
  validate: 2,
} as const;

/** Kinds of address (VIR_IP_ADDR_TYPE_*). */
export const IpAddrType = { ipv4: 0, ipv6: 1 } as const;

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
  ccwDev: 1 << 15,
  /** Libvirt 6.8. */
  cssDev: 1 << 16,
  /** Libvirt 6.9. */
  vdpa: 1 << 17,
  /** The three of s390 crypto adapters: libvirt 7.0. */
  apCard: 1 << 18,
  apQueue: 1 << 19,
  apMatrix: 1 << 20,
  /** Libvirt 7.9. */
  vpd: 1 << 21,
} as const;

/** How a device is described (VIR_NODE_DEVICE_XML_*). */
export const NodeDeviceXmlFlag = {
  /** The definition of a mediated device, not what runs. Libvirt 10.1. */
  inactive: 1,
} as const;

/** How a device is made (VIR_NODE_DEVICE_CREATE_XML_*). */
export const NodeDeviceCreateXmlFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 1,
} as const;

/** How a device is defined (VIR_NODE_DEVICE_DEFINE_XML_*). */
export const NodeDeviceDefineXmlFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 1,
} as const;

/** Which state of a device changes (VIR_NODE_DEVICE_UPDATE_AFFECT_*). Libvirt 10.1. */
export const NodeDeviceUpdateFlag = { affectCurrent: 0, affectLive: 1, affectConfig: 2 } as const;

/** How a filter is defined (VIR_NWFILTER_DEFINE_*). */
export const NwfilterDefineFlag = { validate: 1 } as const;

/** How a binding is made (VIR_NWFILTER_BINDING_CREATE_*). */
export const NwfilterBindingCreateFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.8. */
  validate: 1,
} as const;

/** Which interfaces a list holds (VIR_CONNECT_LIST_INTERFACES_*); none means all. */
export const InterfaceListFlag = { inactive: 1, active: 2 } as const;

/** How an interface is described (VIR_INTERFACE_XML_*). */
export const InterfaceXmlFlag = {
  /** The configuration, not what is up. */
  inactive: 1,
} as const;

/** How an interface is defined (VIR_INTERFACE_DEFINE_*). */
export const InterfaceDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1,
} as const;

/** Which secrets a list holds (VIR_CONNECT_LIST_SECRETS_*); none means all. */
export const SecretListFlag = {
  ephemeral: 1 << 0,
  noEphemeral: 1 << 1,
  private: 1 << 2,
  noPrivate: 1 << 3,
} as const;

/** How a secret is defined (VIR_SECRET_DEFINE_*). */
export const SecretDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1,
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
