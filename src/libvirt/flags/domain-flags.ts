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
} as const;

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

/** What a change is made to (VIR_DOMAIN_AFFECT_*): the running domain, its definition, or both joined. */
export const DomainAffect = { current: 0, live: 1, config: 2 } as const;

/** Added to calls that read parameters, without which those that are strings are left out (VIR_TYPED_PARAM_STRING_OKAY). */
export const TypedParamFlag = { stringOkay: 4 } as const;

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
export const DomainDefineFlag = { validate: 1 } as const;

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
export const DomainDeviceFlag = { current: 0, live: 1, config: 2, force: 4 } as const;

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
export const DomainMemFlag = { current: 0, live: 1, config: 2, maximum: 4 } as const;

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

/** Kinds of metadata (VIR_DOMAIN_METADATA_*). */
export const DomainMetadataType = { description: 0, title: 1, element: 2 } as const;

/** How a console is opened (VIR_DOMAIN_CONSOLE_*). */
export const DomainConsoleFlag = {
  /** Takes it from whoever has it. */
  force: 1,
  /** Only where the driver can keep two apart. */
  safe: 2,
} as const;

/** What a vCPU is doing (VIR_VCPU_*). */
export const VcpuState = { offline: 0, running: 1, blocked: 2 } as const;

/** Who is asked for a guest's addresses (VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_*). */
export const DomainInterfaceAddressSource = { lease: 0, agent: 1, arp: 2 } as const;

/** Lifecycle events (VIR_DOMAIN_EVENT_*). */
export const DomainEventType = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  pmsuspended: 7,
  crashed: 8,
} as const;

/** Details of `defined` (VIR_DOMAIN_EVENT_DEFINED_*). */
export const DomainEventDefinedDetail = {
  added: 0,
  updated: 1,
  renamed: 2,
  fromSnapshot: 3,
} as const;

/** Details of `undefined` (VIR_DOMAIN_EVENT_UNDEFINED_*). */
export const DomainEventUndefinedDetail = { removed: 0, renamed: 1 } as const;

/** Details of `started` (VIR_DOMAIN_EVENT_STARTED_*). */
export const DomainEventStartedDetail = {
  booted: 0,
  migrated: 1,
  restored: 2,
  fromSnapshot: 3,
  wakeup: 4,
} as const;

/** Details of `suspended` (VIR_DOMAIN_EVENT_SUSPENDED_*). */
export const DomainEventSuspendedDetail = {
  paused: 0,
  migrated: 1,
  ioerror: 2,
  watchdog: 3,
  restored: 4,
  fromSnapshot: 5,
  apiError: 6,
  postcopy: 7,
  postcopyFailed: 8,
} as const;

/** Details of `resumed` (VIR_DOMAIN_EVENT_RESUMED_*). */
export const DomainEventResumedDetail = {
  unpaused: 0,
  migrated: 1,
  fromSnapshot: 2,
  postcopy: 3,
  postcopyFailed: 4,
} as const;

/** Details of `stopped` (VIR_DOMAIN_EVENT_STOPPED_*). */
export const DomainEventStoppedDetail = {
  shutdown: 0,
  destroyed: 1,
  crashed: 2,
  migrated: 3,
  saved: 4,
  failed: 5,
  fromSnapshot: 6,
} as const;
