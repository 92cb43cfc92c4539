/** Numbers that domain events carry. */

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

/** Details of `shutdown` (VIR_DOMAIN_EVENT_SHUTDOWN_*). */
export const DomainEventShutdownDetail = {
  /** Who asked is not known. */
  finished: 0,
  /** The guest itself. Libvirt 3.4. */
  guest: 1,
  /** Somebody outside, as by SIGTERM. Libvirt 3.4. */
  host: 2,
} as const;

/** Details of `pmsuspended` (VIR_DOMAIN_EVENT_PMSUSPENDED_*). */
export const DomainEventPmsuspendedDetail = { memory: 0, disk: 1 } as const;

/** Details of `crashed` (VIR_DOMAIN_EVENT_CRASHED_*). */
export const DomainEventCrashedDetail = {
  panicked: 0,
  /** The guest crashed and loaded a kernel for its dump. Libvirt 6.1. */
  crashloaded: 1,
} as const;

/** What a watchdog did (VIR_DOMAIN_EVENT_WATCHDOG_*). */
export const DomainEventWatchdogAction = {
  none: 0,
  pause: 1,
  reset: 2,
  poweroff: 3,
  shutdown: 4,
  debug: 5,
  injectnmi: 6,
} as const;

/** What a disk's failure led to (VIR_DOMAIN_EVENT_IO_ERROR_*). */
export const DomainEventIoErrorAction = {
  /** Nothing: the guest was not told either. */
  none: 0,
  /** The guest is paused and tries again when it is resumed. */
  pause: 1,
  /** The guest was told. */
  report: 2,
} as const;

/** How far a client of a screen is (VIR_DOMAIN_EVENT_GRAPHICS_*). */
export const DomainEventGraphicsPhase = {
  connect: 0,
  /** It has shown that it may. */
  initialize: 1,
  disconnect: 2,
} as const;

/** What an address of graphics is (VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_*). */
export const DomainEventGraphicsAddressType = { ipv4: 0, ipv6: 1, unix: 2 } as const;

/** Why a source of a disk changed (VIR_DOMAIN_EVENT_*). */
export const DomainEventDiskChangeReason = {
  /** The medium was not there at the start, so the drive is empty. */
  diskChangeMissingOnStart: 0,
  /** The disk was not there at the start, so it was left out. */
  diskDropMissingOnStart: 1,
} as const;

/** How a tray moved (VIR_DOMAIN_EVENT_TRAY_CHANGE_*). */
export const DomainEventTrayChangeReason = { open: 0, close: 1 } as const;

/** Whether the agent answers (VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_*). */
export const DomainEventAgentLifecycleState = { connected: 1, disconnected: 2 } as const;

/** Why the agent came or went (VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_*). */
export const DomainEventAgentLifecycleReason = {
  unknown: 0,
  domainStarted: 1,
  /** The guest opened or closed its end of the channel. */
  channel: 2,
} as const;

/** Whom failed memory hit (VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_*). Libvirt 6.9. */
export const DomainEventMemoryFailureRecipient = { hypervisor: 0, guest: 1 } as const;

/** What was done about it (VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_*). Libvirt 6.9. */
export const DomainEventMemoryFailureAction = {
  ignore: 0,
  /** The guest was told by a machine check. */
  inject: 1,
  fatal: 2,
  reset: 3,
} as const;

/** What else is known of it (VIR_DOMAIN_MEMORY_FAILURE_*). Libvirt 6.9. */
export const DomainMemoryFailureFlag = {
  /** Somebody has to act; else it was found in passing. */
  actionRequired: 1 << 0,
  /** It came while an earlier one was being handled. */
  recursive: 1 << 1,
} as const;
