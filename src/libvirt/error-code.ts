/** What libvirt's error numbers mean (virErrorNumber); those a manager acts upon. */
export const ErrorCode = {
  internalError: 1,
  noMemory: 2,
  /** The driver lacks the call. */
  noSupport: 3,
  unknownHost: 4,
  /** No driver takes the URI. */
  noConnect: 5,
  /** Also given for unknown flag bits. */
  invalidArg: 8,
  operationFailed: 9,
  xmlError: 27,
  domExist: 28,
  /** The connection is read-only, or the operation is forbidden to it. */
  operationDenied: 29,
  openFailed: 30,
  /** XML that does not parse; the message has several lines with a caret. */
  xmlDetail: 35,
  networkExist: 37,
  systemError: 38,
  rpc: 39,
  noDomain: 42,
  noNetwork: 43,
  authFailed: 45,
  noStoragePool: 49,
  noStorageVol: 50,
  noNodeDevice: 53,
  /** The object is in a state that does not allow it, such as destroying what does not run. */
  operationInvalid: 55,
  noNwfilter: 62,
  noSecret: 66,
  configUnsupported: 67,
  /** Most often another job holds the domain's lock (30 s in the QEMU driver). */
  operationTimeout: 68,
  noDomainSnapshot: 72,
  argumentUnsupported: 74,
  operationAborted: 78,
  authCancelled: 79,
  noDomainMetadata: 80,
  migrateUnsafe: 81,
  overflow: 82,
  operationUnsupported: 84,
  agentUnresponsive: 86,
  resourceBusy: 87,
  accessDenied: 88,
  storageVolExist: 90,
  cpuIncompatible: 91,
  authUnavailable: 94,
  agentUnsynced: 97,
  deviceMissing: 99,
  noDomainCheckpoint: 103,
  noDomainBackup: 104,
} as const;

/** The parts of libvirt that errors come from (virErrorDomain); those that tell errors apart. */
export const ErrorDomain = {
  none: 0,
  rpc: 7,
  qemu: 10,
  remote: 13,
  storage: 18,
  network: 19,
  domain: 20,
  nodedev: 22,
  secret: 30,
  streams: 38,
  polkit: 60,
} as const;
