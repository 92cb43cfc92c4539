/** What a domain is doing (VIR_DOMAIN_*). */
export const DomainState = {
  nostate: 0,
  running: 1,
  /** Waits for a resource; Xen only. */
  blocked: 2,
  paused: 3,
  /** On its way down. */
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  /** The guest itself went to sleep. */
  pmsuspended: 7,
} as const;

/** Why a domain runs (VIR_DOMAIN_RUNNING_*). */
export const DomainRunningReason = {
  unknown: 0,
  booted: 1,
  migrated: 2,
  restored: 3,
  fromSnapshot: 4,
  unpaused: 5,
  migrationCanceled: 6,
  saveCanceled: 7,
  wakeup: 8,
  crashed: 9,
  postcopy: 10,
  /** Libvirt 8.5. */
  postcopyFailed: 11,
} as const;

/** Why a domain is paused (VIR_DOMAIN_PAUSED_*). */
export const DomainPausedReason = {
  unknown: 0,
  user: 1,
  migration: 2,
  save: 3,
  dump: 4,
  ioerror: 5,
  watchdog: 6,
  fromSnapshot: 7,
  shuttingDown: 8,
  snapshot: 9,
  crashed: 10,
  startingUp: 11,
  postcopy: 12,
  postcopyFailed: 13,
  /** A call failed half-way and left it so. Libvirt 9.2. */
  apiError: 14,
} as const;

/** Why a domain is on its way down (VIR_DOMAIN_SHUTDOWN_*). */
export const DomainShutdownReason = { unknown: 0, user: 1 } as const;

/** Why a domain is off (VIR_DOMAIN_SHUTOFF_*). */
export const DomainShutoffReason = {
  unknown: 0,
  shutdown: 1,
  destroyed: 2,
  crashed: 3,
  migrated: 4,
  saved: 5,
  failed: 6,
  fromSnapshot: 7,
  /** The daemon found it gone when it came back. */
  daemon: 8,
} as const;

/** Why a domain counts as crashed (VIR_DOMAIN_CRASHED_*). */
export const DomainCrashedReason = { unknown: 0, panicked: 1 } as const;

/** How libvirt gets on with a domain's monitor (VIR_DOMAIN_CONTROL_*). */
export const DomainControlState = {
  ok: 0,
  /** A job runs: only calls that go with it are taken. */
  job: 1,
  /** A call waits for the monitor's answer. */
  occupied: 2,
  /** Nothing works any more but ending the domain. */
  error: 3,
} as const;

/** What is wrong with the control of a domain (VIR_DOMAIN_CONTROL_ERROR_REASON_*). */
export const DomainControlErrorReason = {
  none: 0,
  unknown: 1,
  /** The connection to the monitor is broken. */
  monitor: 2,
  internal: 3,
} as const;

/** What a change is made to (VIR_DOMAIN_AFFECT_*): the running domain, its definition, or both joined. */
export const DomainAffect = { current: 0, live: 1 << 0, config: 1 << 1 } as const;

/** Added to calls that read parameters, without which those that are strings are left out (VIR_TYPED_PARAM_STRING_OKAY). */
export const TypedParamFlag = { stringOkay: 1 << 2 } as const;

/** How a domain is started (VIR_DOMAIN_START_*). */
export const DomainCreateFlag = {
  paused: 1 << 0,
  /** Ends with this connection. */
  autodestroy: 1 << 1,
  bypassCache: 1 << 2,
  /** Throws a managed save image away. */
  forceBoot: 1 << 3,
  validate: 1 << 4,
  /** Libvirt 8.1. */
  resetNvram: 1 << 5,
} as const;

/** How a domain is defined (VIR_DOMAIN_DEFINE_*). */
export const DomainDefineFlag = { validate: 1 << 0 } as const;

/** How a domain is described (VIR_DOMAIN_XML_*). */
export const DomainXmlFlag = {
  /** With passwords; not on a read-only connection. */
  secure: 1 << 0,
  /** The definition, also while the domain runs. */
  inactive: 1 << 1,
  updateCpu: 1 << 2,
  migratable: 1 << 3,
} as const;

/** What goes with the definition (VIR_DOMAIN_UNDEFINE_*). */
export const DomainUndefineFlag = {
  managedSave: 1 << 0,
  snapshotsMetadata: 1 << 1,
  nvram: 1 << 2,
  keepNvram: 1 << 3,
  /** Libvirt 5.6. */
  checkpointsMetadata: 1 << 4,
  /** Libvirt 8.9. */
  tpm: 1 << 5,
  /** Libvirt 8.9. */
  keepTpm: 1 << 6,
} as const;

/** How a domain is ended (VIR_DOMAIN_DESTROY_*). */
export const DomainDestroyFlag = {
  default: 0,
  /** Fails where SIGTERM is not enough, instead of SIGKILL. */
  graceful: 1 << 0,
  /** Libvirt 8.3. */
  removeLogs: 1 << 1,
} as const;

/** How a guest is asked to go down (VIR_DOMAIN_SHUTDOWN_*). */
export const DomainShutdownFlag = {
  default: 0,
  acpiPowerBtn: 1 << 0,
  guestAgent: 1 << 1,
  initctl: 1 << 2,
  signal: 1 << 3,
  paravirt: 1 << 4,
} as const;

/** How a guest is asked to reboot (VIR_DOMAIN_REBOOT_*). */
export const DomainRebootFlag = {
  default: 0,
  acpiPowerBtn: 1 << 0,
  guestAgent: 1 << 1,
  initctl: 1 << 2,
  signal: 1 << 3,
  paravirt: 1 << 4,
} as const;

/** Where a device change is made (VIR_DOMAIN_DEVICE_MODIFY_*). */
export const DomainDeviceFlag = {
  current: 0,
  live: 1 << 0,
  config: 1 << 1,
  force: 1 << 2,
} as const;

/** Which vCPUs are counted or set (VIR_DOMAIN_VCPU_*). */
export const DomainVcpuFlag = {
  current: 0,
  live: 1 << 0,
  config: 1 << 1,
  maximum: 1 << 2,
  guest: 1 << 3,
  hotpluggable: 1 << 4,
} as const;

/** Which memory is set (VIR_DOMAIN_MEM_*). */
export const DomainMemFlag = { current: 0, live: 1 << 0, config: 1 << 1, maximum: 1 << 2 } as const;

/** Numbers of memory figures (VIR_DOMAIN_MEMORY_STAT_*), KiB but for faults and counts. */
export const DomainMemoryStat = {
  swapIn: 0,
  swapOut: 1,
  majorFault: 2,
  minorFault: 3,
  unused: 4,
  available: 5,
  actualBalloon: 6,
  /** Of the QEMU process. */
  rss: 7,
  usable: 8,
  /** Seconds since the epoch. */
  lastUpdate: 9,
  diskCaches: 10,
  hugetlbPgalloc: 11,
  hugetlbPgfail: 12,
} as const;

/** How memory sits on cells (VIR_DOMAIN_NUMATUNE_MEM_*). */
export const DomainNumatuneMode = {
  strict: 0,
  preferred: 1,
  interleave: 2,
  /** Libvirt 7.3. */
  restrictive: 3,
} as const;

/** How an offset into a guest's memory counts (VIR_MEMORY_*). */
export const DomainMemoryFlag = { virtual: 1 << 0, physical: 1 << 1 } as const;

/** What is wrong with a disk (VIR_DOMAIN_DISK_ERROR_*). */
export const DomainDiskErrorCode = { none: 0, unspec: 1, noSpace: 2 } as const;

/** How far a measurement of written memory is (VIR_DOMAIN_DIRTYRATE_*). */
export const DomainDirtyRateStatus = { unstarted: 0, measuring: 1, measured: 2 } as const;

/** How written memory is measured (VIR_DOMAIN_DIRTYRATE_MODE_*). Libvirt 8.1. */
export const DomainDirtyRateCalcFlag = {
  /** Compares samples of pages, which slows the guest least. */
  modePageSampling: 0,
  modeDirtyBitmap: 1 << 0,
  /** Tells the vCPUs apart; the domain needs KVM's dirty ring. */
  modeDirtyRing: 1 << 1,
} as const;

/** Which warnings are asked for (VIR_DOMAIN_MESSAGE_*). */
export const DomainMessageType = {
  deprecation: 1 << 0,
  tainting: 1 << 1,
  /** Libvirt 11.1. */
  ioerrors: 1 << 2,
} as const;

/** Which graphics read their certificates anew (VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_*). Libvirt 10.2. */
export const DomainGraphicsReloadType = { any: 0, vnc: 1 } as const;

/** Kinds of metadata (VIR_DOMAIN_METADATA_*). */
export const DomainMetadataType = { description: 0, title: 1, element: 2 } as const;

/** How a console is opened (VIR_DOMAIN_CONSOLE_*). */
export const DomainConsoleFlag = {
  /** Takes it from whoever has it. */
  force: 1 << 0,
  /** Only where the driver can keep two apart. */
  safe: 1 << 1,
} as const;

/** How a channel is opened (VIR_DOMAIN_CHANNEL_*). */
export const DomainChannelFlag = {
  /** Takes it from whoever has it. */
  force: 1 << 0,
} as const;

/** What a vCPU is doing (VIR_VCPU_*). */
export const VcpuState = { offline: 0, running: 1, blocked: 2 } as const;

/** What stands for a host CPU where there is none (VIR_VCPU_INFO_CPU_*). Libvirt 6.10. */
export const VcpuHostCpuState = {
  /** The vCPU is not in use. */
  offline: -1,
  /** The driver cannot tell. */
  unavailable: -2,
} as const;
