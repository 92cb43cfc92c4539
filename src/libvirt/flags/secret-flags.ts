/** Which secrets a list holds (VIR_CONNECT_LIST_SECRETS_*); none means all. */
export const SecretListFlag = {
  ephemeral: 1 << 0,
  noEphemeral: 1 << 1,
  private: 1 << 2,
  noPrivate: 1 << 3,
} as const;

/** How a secret is defined (VIR_SECRET_DEFINE_*). */
export const SecretDefineFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.7. */
  validate: 1 << 0,
} as const;

/** What a secret is for (VIR_SECRET_USAGE_TYPE_*). */
export const SecretUsageType = {
  none: 0,
  volume: 1,
  ceph: 2,
  iscsi: 3,
  tls: 4,
  /** Libvirt 5.6. */
  vtpm: 5,
} as const;

/** Secret events (VIR_SECRET_EVENT_*). */
export const SecretEventType = { defined: 0, undefined: 1 } as const;
