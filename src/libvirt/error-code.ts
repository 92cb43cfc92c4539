/**
 * What libvirt's error numbers mean (virErrorNumber), all of them up to libvirt 11.3. Those that
 * begin with `war` are warnings in libvirt's headers; no call is refused with them.
 */
export const ErrorCode = {
  /** No error. */
  ok: 0,
  internalError: 1,
  noMemory: 2,
  /** The driver lacks the call. */
  noSupport: 3,
  unknownHost: 4,
  /** No driver takes the URI. */
  noConnect: 5,
  invalidConn: 6,
  invalidDomain: 7,
  /** Also given for unknown flag bits. */
  invalidArg: 8,
  operationFailed: 9,
  getFailed: 10,
  postFailed: 11,
  httpError: 12,
  sexprSerial: 13,
  noXen: 14,
  xenCall: 15,
  osType: 16,
  noKernel: 17,
  noRoot: 18,
  noSource: 19,
  noTarget: 20,
  noName: 21,
  noOs: 22,
  noDevice: 23,
  noXenstore: 24,
  driverFull: 25,
  /** No longer given. */
  callFailed: 26,
  /** XML that parses but does not describe such an object. */
  xmlError: 27,
  domExist: 28,
  /** The connection is read-only, or the operation is forbidden to it. */
  operationDenied: 29,
  openFailed: 30,
  readFailed: 31,
  parseFailed: 32,
  confSyntax: 33,
  writeFailed: 34,
  /** XML that does not parse; the message has several lines with a caret. */
  xmlDetail: 35,
  invalidNetwork: 36,
  networkExist: 37,
  /** A system call failed; its errno is in the error's int1. */
  systemError: 38,
  /** The protocol itself: an unknown procedure, arguments that cannot be read. */
  rpc: 39,
  gnutlsError: 40,
  warNoNetwork: 41,
  noDomain: 42,
  noNetwork: 43,
  invalidMac: 44,
  authFailed: 45,
  invalidStoragePool: 46,
  invalidStorageVol: 47,
  warNoStorage: 48,
  noStoragePool: 49,
  noStorageVol: 50,
  warNoNode: 51,
  invalidNodeDevice: 52,
  noNodeDevice: 53,
  noSecurityModel: 54,
  /** The object is in a state that does not allow it, such as destroying what does not run. */
  operationInvalid: 55,
  warNoInterface: 56,
  /** No interface of the host matches. */
  noInterface: 57,
  invalidInterface: 58,
  /** More than one interface of the host matches. */
  multipleInterfaces: 59,
  warNoNwfilter: 60,
  invalidNwfilter: 61,
  noNwfilter: 62,
  /** The rules of a network filter could not be set up. */
  buildFirewall: 63,
  warNoSecret: 64,
  invalidSecret: 65,
  noSecret: 66,
  configUnsupported: 67,
  /** Most often another job holds the domain's lock (30 s in the QEMU driver). */
  operationTimeout: 68,
  /** The guest migrated, but its definition did not. */
  migratePersistFailed: 69,
  hookScriptFailed: 70,
  invalidDomainSnapshot: 71,
  noDomainSnapshot: 72,
  invalidStream: 73,
  /** A valid argument that this driver does not take. */
  argumentUnsupported: 74,
  /** It cannot be told what is on the storage. */
  storageProbeFailed: 75,
  /** The storage is there already. */
  storagePoolBuilt: 76,
  /** Reverting would need a flag that forces it. */
  snapshotRevertRisky: 77,
  /** Somebody cancelled the job. */
  operationAborted: 78,
  authCancelled: 79,
  noDomainMetadata: 80,
  /** The migration could damage data; a flag forces it. */
  migrateUnsafe: 81,
  overflow: 82,
  /** A copy of a disk is under way and keeps others from what they want. */
  blockCopyActive: 83,
  operationUnsupported: 84,
  ssh: 85,
  agentUnresponsive: 86,
  resourceBusy: 87,
  /** The daemon's access control forbids it. */
  accessDenied: 88,
  dbusService: 89,
  storageVolExist: 90,
  cpuIncompatible: 91,
  /** XML that is not valid by the schema, where validation was asked for. */
  xmlInvalidSchema: 92,
  /** Between the daemons of a migration only. */
  migrateFinishOk: 93,
  authUnavailable: 94,
  noServer: 95,
  noClient: 96,
  /** No longer given. */
  agentUnsynced: 97,
  libssh: 98,
  /** The guest has no such device. */
  deviceMissing: 99,
  invalidNwfilterBinding: 100,
  noNwfilterBinding: 101,
  /** Libvirt 5.2. */
  invalidDomainCheckpoint: 102,
  /** Libvirt 5.2. */
  noDomainCheckpoint: 103,
  /** Libvirt 5.2. */
  noDomainBackup: 104,
  /** Libvirt 5.5. */
  invalidNetworkPort: 105,
  /** Libvirt 5.5. */
  networkPortExist: 106,
  /** Libvirt 5.5. */
  noNetworkPort: 107,
  /** The guest did not tell its name. Libvirt 6.1. */
  noHostname: 108,
  /** The dirty bitmaps of a checkpoint are gone or broken. Libvirt 6.10. */
  checkpointInconsistent: 109,
  /** More than one domain matches. Libvirt 7.1. */
  multipleDomains: 110,
  /** Libvirt 9.7. */
  noNetworkMetadata: 111,
  /** The agent took a command and did not answer it. Libvirt 11.2. */
  agentCommandTimeout: 112,
  /** The agent refused a command. Libvirt 11.2. */
  agentCommandFailed: 113,
} as const;

/**
 * The parts of libvirt that errors come from (virErrorDomain), all of them up to libvirt 11.3. Many
 * are of hypervisors that Berth has nothing to do with.
 */
export const ErrorDomain = {
  none: 0,
  xen: 1,
  xend: 2,
  xenstore: 3,
  sexpr: 4,
  xml: 5,
  /** Calls about domains, whatever their driver. */
  dom: 6,
  /** The protocol between client and daemon. */
  rpc: 7,
  proxy: 8,
  /** Configuration files of the daemons. */
  conf: 9,
  qemu: 10,
  /** Calls about networks. */
  net: 11,
  test: 12,
  /** A client's side of that protocol: also of a daemon that is another's client. */
  remote: 13,
  openvz: 14,
  xenxm: 15,
  statsLinux: 16,
  lxc: 17,
  storage: 18,
  /** The network driver. */
  network: 19,
  /** Domains' definitions. */
  domain: 20,
  uml: 21,
  nodedev: 22,
  xenInotify: 23,
  security: 24,
  vbox: 25,
  interface: 26,
  one: 27,
  esx: 28,
  phyp: 29,
  secret: 30,
  cpu: 31,
  xenapi: 32,
  nwfilter: 33,
  /** Scripts that a host runs at changes. */
  hook: 34,
  domainSnapshot: 35,
  audit: 36,
  sysinfo: 37,
  streams: 38,
  vmware: 39,
  event: 40,
  libxl: 41,
  locking: 42,
  hyperv: 43,
  capabilities: 44,
  uri: 45,
  auth: 46,
  dbus: 47,
  parallels: 48,
  /** Definitions of a domain's devices. */
  device: 49,
  /** Connections through libssh2. */
  ssh: 50,
  lockspace: 51,
  initctl: 52,
  identity: 53,
  cgroup: 54,
  /** Access control of the daemons. */
  access: 55,
  systemd: 56,
  bhyve: 57,
  crypto: 58,
  firewall: 59,
  polkit: 60,
  thread: 61,
  admin: 62,
  logging: 63,
  xenxl: 64,
  perf: 65,
  /** Connections through libssh. */
  libssh: 66,
  /** Shares of caches and memory bandwidth. */
  resctrl: 67,
  /** Libvirt 5.1. */
  firewalld: 68,
  /** Libvirt 5.2. */
  domainCheckpoint: 69,
  /** Libvirt 5.6. */
  tpm: 70,
  /** Libvirt 5.10. */
  bpf: 71,
  /** Libvirt 7.5. */
  ch: 72,
} as const;
