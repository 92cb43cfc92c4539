/** Who is asked for a guest's addresses (VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_*). */
export const DomainInterfaceAddressSource = {
  /** The DHCP servers of libvirt's networks. */
  lease: 0,
  agent: 1,
  /** The host's table of neighbours. */
  arp: 2,
} as const;

/** Who is asked for a guest's name (VIR_DOMAIN_GET_HOSTNAME_*). Libvirt 6.1. */
export const DomainHostnameFlag = { lease: 1 << 0, agent: 1 << 1 } as const;

/** What is asked of the agent (VIR_DOMAIN_GUEST_INFO_*). */
export const DomainGuestInfoType = {
  users: 1 << 0,
  os: 1 << 1,
  timezone: 1 << 2,
  hostname: 1 << 3,
  filesystem: 1 << 4,
  /** Libvirt 7.0. */
  disks: 1 << 5,
  /** Libvirt 7.10. */
  interfaces: 1 << 6,
  /** Libvirt 11.2. */
  load: 1 << 7,
} as const;

/** How a guest's clock is set (VIR_DOMAIN_TIME_*). */
export const DomainTimeFlag = {
  /** From its own hardware clock. */
  sync: 1 << 0,
} as const;

/** How a password is given (VIR_DOMAIN_PASSWORD_*). */
export const DomainPasswordFlag = {
  /** As the guest keeps it, hashed. */
  encrypted: 1 << 0,
} as const;

/** What becomes of the keys that are there (VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_*). */
export const DomainAuthorizedSshKeysSetFlag = {
  append: 1 << 0,
  /** Takes the given ones out. */
  remove: 1 << 1,
} as const;

/** Waits for an agent that are no seconds (VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_*). */
export const DomainAgentTimeout = {
  /** For ever. */
  block: -2,
  default: -1,
  nowait: 0,
} as const;

/** How a monitor command is written (VIR_DOMAIN_QEMU_MONITOR_COMMAND_*). */
export const QemuMonitorCommandFlag = {
  default: 0,
  /** As people type it, not JSON. */
  hmp: 1 << 0,
} as const;

/** Whose numbers keys have (VIR_KEYCODE_SET_*). */
export const KeycodeSet = {
  /** KEY_* of Linux's input-event-codes.h. */
  linux: 0,
  xt: 1,
  atset1: 2,
  atset2: 3,
  atset3: 4,
  osx: 5,
  xtKbd: 6,
  usb: 7,
  win32: 8,
  /** QEMU's own. Libvirt 4.2. */
  qnum: 9,
} as const;

/** Signals to processes of a guest (VIR_DOMAIN_PROCESS_SIGNAL_*); real-time signal n is `rt0` + n. */
export const DomainProcessSignal = {
  /** Only asks whether the process is there. */
  nop: 0,
  hup: 1,
  int: 2,
  quit: 3,
  ill: 4,
  trap: 5,
  abrt: 6,
  bus: 7,
  fpe: 8,
  kill: 9,
  usr1: 10,
  segv: 11,
  usr2: 12,
  pipe: 13,
  alrm: 14,
  term: 15,
  stkflt: 16,
  chld: 17,
  cont: 18,
  stop: 19,
  tstp: 20,
  ttin: 21,
  ttou: 22,
  urg: 23,
  xcpu: 24,
  xfsz: 25,
  vtalrm: 26,
  prof: 27,
  winch: 28,
  poll: 29,
  pwr: 30,
  sys: 31,
  rt0: 32,
  rt32: 64,
} as const;
