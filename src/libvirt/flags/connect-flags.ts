/** How a connection is opened (VIR_CONNECT_*). */
export const ConnectFlag = { readOnly: 1 << 0 } as const;

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

/** What a CPU is to another (VIR_CPU_COMPARE_*). */
export const CpuCompareResult = {
  error: -1,
  incompatible: 0,
  identical: 1,
  /** The host, or what its hypervisor offers, has all of the CPU and more. */
  superset: 2,
} as const;

/** How CPUs are compared (VIR_CONNECT_COMPARE_CPU_*). */
export const ConnectCompareCpuFlag = {
  /** An incompatible CPU is an error (91) that says what is missing. */
  failIncompatible: 1 << 0,
  /** Refuses XML that is not valid by the schema. Libvirt 6.9. */
  validateXml: 1 << 1,
} as const;

/** How a common CPU is described (VIR_CONNECT_BASELINE_CPU_*). */
export const ConnectBaselineCpuFlag = {
  /** Lists also the features that its model brings. */
  expandFeatures: 1 << 0,
  /** Leaves out features that keep guests from migrating. */
  migratable: 1 << 1,
} as const;

/** How what domains can have is told (VIR_CONNECT_GET_DOMAIN_CAPABILITIES_*). Libvirt 11.0. */
export const ConnectGetDomainCapabilitiesFlag = {
  /** The model of the host without features that are on their way out. */
  disableDeprecatedFeatures: 1 << 0,
} as const;

/** Names of what `connectSetIdentity` can say (VIR_CONNECT_IDENTITY_*); ids and times are ullong, the rest strings. */
export const ConnectIdentity = {
  userName: 'user-name',
  unixUserId: 'unix-user-id',
  groupName: 'group-name',
  unixGroupId: 'unix-group-id',
  processId: 'process-id',
  /** In clock ticks since the host's start, as the kernel tells it. */
  processTime: 'process-time',
  saslUserName: 'sasl-user-name',
  x509DistinguishedName: 'x509-distinguished-name',
  selinuxContext: 'selinux-context',
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
