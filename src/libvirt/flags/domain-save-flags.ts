/** How memory is saved and restored (VIR_DOMAIN_SAVE_*). */
export const DomainSaveFlag = {
  /** Goes around the host's page cache, so that it stays with those who need it. */
  bypassCache: 1 << 0,
  /** Will run after the restore, whatever it did before. */
  running: 1 << 1,
  /** Will be paused after the restore. */
  paused: 1 << 2,
  /** Fills the firmware's variables anew at the restore. Libvirt 8.1. */
  resetNvram: 1 << 3,
} as const;

/** Names of the parameters of a save or restore (VIR_DOMAIN_SAVE_PARAM_*). */
export const DomainSaveParam = {
  /** String: the file on the host. */
  file: 'file',
  /** String: XML to restore it as. */
  dxml: 'dxml',
  /** String: the format, `raw` or a compression, else what the host's qemu.conf says. Libvirt 11.2. */
  imageFormat: 'image_format',
  /** Int: how many channels write at once to a `sparse` file. Libvirt 11.2. */
  parallelChannels: 'parallel.channels',
} as const;

/** How the XML in a saved file is given (VIR_DOMAIN_SAVE_IMAGE_XML_*). */
export const DomainSaveImageXmlFlag = {
  /** With passwords; not on a read-only connection. Libvirt 5.1. */
  secure: 1 << 0,
} as const;

/** What happens to the guest around a dump (VIR_DUMP_*). The first, second and fourth exclude one another. */
export const DomainCoreDumpFlag = {
  /** It is off afterwards, as crashed. */
  crash: 1 << 0,
  /**
   * It runs meanwhile; else it is paused, and runs on afterwards. QEMU's driver takes it in libvirt
   * 11.3 and not in 12.8.
   */
  live: 1 << 1,
  /** Goes around the host's page cache. */
  bypassCache: 1 << 2,
  /** It is reset afterwards. */
  reset: 1 << 3,
  /** Memory and registers as an ELF or kdump file for debuggers, without the devices' state. */
  memoryOnly: 1 << 4,
} as const;

/** Formats of a dump of memory only (VIR_DOMAIN_CORE_DUMP_FORMAT_*). */
export const DomainCoreDumpFormat = {
  raw: 0,
  kdumpZlib: 1,
  kdumpLzo: 2,
  kdumpSnappy: 3,
  /** For Windows debuggers. Libvirt 7.4. */
  winDmp: 4,
} as const;
