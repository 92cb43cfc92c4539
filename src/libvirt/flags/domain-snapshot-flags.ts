/** How a snapshot is taken (VIR_DOMAIN_SNAPSHOT_CREATE_*). */
export const DomainSnapshotCreateFlag = {
  /** Takes none, but has libvirt know again one whose records were deleted. */
  redefine: 1 << 0,
  /** With `redefine`: makes it the current one. */
  current: 1 << 1,
  /** Changes the disks and keeps no record. */
  noMetadata: 1 << 2,
  /** Stops the guest afterwards. */
  halt: 1 << 3,
  /** Disks without memory; they are then as after a power cut, unless `quiesce`. */
  diskOnly: 1 << 4,
  /** Uses files that are there already, with the right format and backing. */
  reuseExt: 1 << 5,
  /** Has the guest agent freeze the file systems; needs `diskOnly`. */
  quiesce: 1 << 6,
  /** All disks or none. */
  atomic: 1 << 7,
  /** The guest runs while memory is written, which makes the file larger; external ones only. */
  live: 1 << 8,
  /** Checks the XML by its schema first. Libvirt 5.6. */
  validate: 1 << 9,
} as const;

/** How a snapshot is described (VIR_DOMAIN_SNAPSHOT_XML_*). */
export const DomainSnapshotXmlFlag = {
  /** With passwords; not on a read-only connection. Libvirt 5.1. */
  secure: 1 << 0,
} as const;

/** Which snapshots a list holds (VIR_DOMAIN_SNAPSHOT_LIST_*). Bits of one group may be joined; none means all. */
export const DomainSnapshotListFlag = {
  /** Of a domain: only those without a parent. */
  roots: 1 << 0,
  /** Of a snapshot: all below it, not its children alone. Shares its bit with `roots`. */
  descendants: 1 << 0,
  metadata: 1 << 1,
  /** Those without children. */
  leaves: 1 << 2,
  noLeaves: 1 << 3,
  noMetadata: 1 << 4,
  /** Taken while the domain was off. */
  inactive: 1 << 5,
  /** With memory. */
  active: 1 << 6,
  /** Of disks alone while the domain ran. */
  diskOnly: 1 << 7,
  /** Inside the images. */
  internal: 1 << 8,
  /** In further files. */
  external: 1 << 9,
  /** Parents before their children. Libvirt 5.2. */
  topological: 1 << 10,
} as const;

/** How a domain goes back to a snapshot (VIR_DOMAIN_SNAPSHOT_REVERT_*). */
export const DomainSnapshotRevertFlag = {
  /** Runs afterwards. */
  running: 1 << 0,
  /** Is paused afterwards. */
  paused: 1 << 1,
  /** Also where libvirt calls it risky; without meaning since libvirt 7.10. */
  force: 1 << 2,
  /** Fills the firmware's variables anew. Libvirt 8.1. */
  resetNvram: 1 << 3,
} as const;

/** What is deleted with a snapshot (VIR_DOMAIN_SNAPSHOT_DELETE_*). */
export const DomainSnapshotDeleteFlag = {
  /** All below it as well. */
  children: 1 << 0,
  /** libvirt's record alone; the disks stay as they are. */
  metadataOnly: 1 << 1,
  /** All below it, but not itself. */
  childrenOnly: 1 << 2,
} as const;

/** How a checkpoint is made (VIR_DOMAIN_CHECKPOINT_CREATE_*). */
export const DomainCheckpointCreateFlag = {
  /** Makes none, but has libvirt know again one whose record was deleted. */
  redefine: 1 << 0,
  /** Has the guest agent freeze the file systems. */
  quiesce: 1 << 1,
  /** With `redefine`: checks that the disks still hold what it needs. Libvirt 6.10. */
  redefineValidate: 1 << 2,
} as const;

/** How a checkpoint is described (VIR_DOMAIN_CHECKPOINT_XML_*). */
export const DomainCheckpointXmlFlag = {
  /** With passwords; not on a read-only connection. */
  secure: 1 << 0,
  /** Without the domain as it was then. */
  noDomain: 1 << 1,
  /** With the bytes of each disk that changed since; the domain must run. */
  size: 1 << 2,
} as const;

/** Which checkpoints a list holds (VIR_DOMAIN_CHECKPOINT_LIST_*). */
export const DomainCheckpointListFlag = {
  /** Of a domain: only those without a parent. */
  roots: 1 << 0,
  /** Of a checkpoint: all below it, not its children alone. Shares its bit with `roots`. */
  descendants: 1 << 0,
  /** Parents before their children. */
  topological: 1 << 1,
  /** Those without children. */
  leaves: 1 << 2,
  noLeaves: 1 << 3,
} as const;

/** What is deleted with a checkpoint (VIR_DOMAIN_CHECKPOINT_DELETE_*). */
export const DomainCheckpointDeleteFlag = {
  /** All below it as well. */
  children: 1 << 0,
  /** libvirt's record alone; the images keep theirs. */
  metadataOnly: 1 << 1,
  /** All below it, but not itself. */
  childrenOnly: 1 << 2,
} as const;

/** How a backup starts (VIR_DOMAIN_BACKUP_BEGIN_*). */
export const DomainBackupBeginFlag = {
  /** Uses files that are there already, with the right format and size. */
  reuseExternal: 1 << 0,
} as const;
