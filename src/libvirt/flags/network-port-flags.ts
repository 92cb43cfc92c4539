/** How a port is made (VIR_NETWORK_PORT_CREATE_*). */
export const NetworkPortCreateFlag = {
  /** Takes over what a port of this description held before, as after a restart of the daemon. */
  reclaim: 1 << 0,
  /** Refuses XML that is not valid by the schema. Libvirt 7.8. */
  validate: 1 << 1,
} as const;
