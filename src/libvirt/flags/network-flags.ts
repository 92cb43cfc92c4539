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
export const NetworkDefineFlag = { validate: 1 << 0 } as const;

/** How a network is described (VIR_NETWORK_XML_*). */
export const NetworkXmlFlag = { inactive: 1 << 0 } as const;

/** How a transient network is started (VIR_NETWORK_CREATE_*). */
export const NetworkCreateFlag = { validate: 1 << 0 } as const;

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
  affectLive: 1 << 0,
  affectConfig: 1 << 1,
} as const;

/** Which of a network's metadata are meant (VIR_NETWORK_METADATA_*). Libvirt 9.7. */
export const NetworkMetadataType = { description: 0, title: 1, element: 2 } as const;

/** Kinds of address (VIR_IP_ADDR_TYPE_*). */
export const IpAddrType = { ipv4: 0, ipv6: 1 } as const;

/** Network events (VIR_NETWORK_EVENT_*). */
export const NetworkEventType = { defined: 0, undefined: 1, started: 2, stopped: 3 } as const;
