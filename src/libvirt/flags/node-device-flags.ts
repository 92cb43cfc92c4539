/** Which devices a list holds (VIR_CONNECT_LIST_NODE_DEVICES_*, kinds with CAP_); none means all. */
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
  /** The two of s390 channel groups: libvirt 11.1. */
  ccwgroupDev: 1 << 22,
  ccwgroupMember: 1 << 23,
  /** By what is known of devices, whatever their kind: the first two libvirt 10.1, the others 7.3. */
  persistent: 1 << 28,
  transient: 1 << 29,
  inactive: 1 << 30,
  active: 2 ** 31,
} as const;

/** How a device is described (VIR_NODE_DEVICE_XML_*). */
export const NodeDeviceXmlFlag = {
  /** The definition of a mediated device, not what runs. Libvirt 10.1. */
  inactive: 1 << 0,
} as const;

/** How a device is made (VIR_NODE_DEVICE_CREATE_XML_*). */
export const NodeDeviceCreateXmlFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 1 << 0,
} as const;

/** How a device is defined (VIR_NODE_DEVICE_DEFINE_XML_*). */
export const NodeDeviceDefineXmlFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 8.10. */
  validate: 1 << 0,
} as const;

/** Which state of a device changes (VIR_NODE_DEVICE_UPDATE_AFFECT_*). Libvirt 10.1. */
export const NodeDeviceUpdateFlag = {
  affectCurrent: 0,
  affectLive: 1 << 0,
  affectConfig: 1 << 1,
} as const;

/** Node device events (VIR_NODE_DEVICE_EVENT_*). */
export const NodeDeviceEventType = { created: 0, deleted: 1, defined: 2, undefined: 3 } as const;
