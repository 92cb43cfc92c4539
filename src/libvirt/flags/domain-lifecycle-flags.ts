/** What a guest does by itself (VIR_DOMAIN_LIFECYCLE_*). */
export const DomainLifecycle = { poweroff: 0, reboot: 1, crash: 2 } as const;

/** What libvirt does then (VIR_DOMAIN_LIFECYCLE_ACTION_*). */
export const DomainLifecycleAction = {
  destroy: 0,
  restart: 1,
  /** Xen only. */
  restartRename: 2,
  /** Leaves it as it is, to be looked at. */
  preserve: 3,
  /** After a crash only. */
  coredumpDestroy: 4,
  /** After a crash only. */
  coredumpRestart: 5,
} as const;
