/** Which interfaces a list holds (VIR_CONNECT_LIST_INTERFACES_*); none means all. */
export const InterfaceListFlag = { inactive: 1 << 0, active: 1 << 1 } as const;

/** How an interface is described (VIR_INTERFACE_XML_*). */
export const InterfaceXmlFlag = {
  /** The configuration, not what is up. */
  inactive: 1 << 0,
} as const;

/** How an interface is defined (VIR_INTERFACE_DEFINE_*). */
export const InterfaceDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1 << 0,
} as const;
