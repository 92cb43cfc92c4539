/** How a connection is opened (VIR_CONNECT_*). */
export const ConnectFlag = { readOnly: 1 } as const;

/** Traits of a daemon and its drivers (VIR_DRV_FEATURE_*), for `Connection.has`. */
export const ConnectFeature = {
  /** The daemon exchanges keepalive messages with this client. */
  keepalive: 10,
  /** Migration takes typed parameters. */
  migrationParams: 13,
  /** Events name the callback they were registered with; since libvirt 1.2. */
  remoteEventCallback: 14,
  /** The daemon can tell that its own connection to the hypervisor closed. */
  remoteCloseCallback: 15,
  /** `networkUpdate` takes command and section in the documented order; since libvirt 7.2. */
  networkUpdateOrder: 16,
} as const;

/** Which domains a list holds (VIR_CONNECT_LIST_DOMAINS_*). Bits of one pair may be joined; none means all. */
export const DomainListFlag = {
  active: 1 << 0,
  inactive: 1 << 1,
  persistent: 1 << 2,
  transient: 1 << 3,
  running: 1 << 4,
  paused: 1 << 5,
  shutoff: 1 << 6,
  other: 1 << 7,
  managedsave: 1 << 8,
  noManagedsave: 1 << 9,
  autostart: 1 << 10,
  noAutostart: 1 << 11,
  hasSnapshot: 1 << 12,
  noSnapshot: 1 << 13,
  hasCheckpoint: 1 << 14,
  noCheckpoint: 1 << 15,
} as const;

/** Which groups of figures bulk statistics give (VIR_DOMAIN_STATS_*); 0 means all the driver has. */
export const DomainStats = {
  state: 1 << 0,
  cpuTotal: 1 << 1,
  balloon: 1 << 2,
  vcpu: 1 << 3,
  interface: 1 << 4,
  block: 1 << 5,
  perf: 1 << 6,
  iothread: 1 << 7,
  memory: 1 << 8,
  dirtyrate: 1 << 9,
  /** Libvirt 8.9. */
  vm: 1 << 10,
} as const;

/** How bulk statistics are gathered (VIR_CONNECT_GET_ALL_DOMAINS_STATS_*); domains are chosen as in lists. */
export const DomainStatsFlag = {
  active: 1 << 0,
  inactive: 1 << 1,
  persistent: 1 << 2,
  transient: 1 << 3,
  running: 1 << 4,
  paused: 1 << 5,
  shutoff: 1 << 6,
  other: 1 << 7,
  /**
   * Leaves out what needs a monitor that is busy. Without it one stuck QEMU holds up the whole
   * call for 30 s; set it unless every figure is needed. Libvirt 4.5.
   */
  nowait: 1 << 29,
  /** Adds the figures of backing images. */
  backing: 1 << 30,
  /** Fails where a group that was asked for is unknown. */
  enforceStats: 2 ** 31,
} as const;
