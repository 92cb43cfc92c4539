/** What a disk's job does (VIR_DOMAIN_BLOCK_JOB_TYPE_*). */
export const DomainBlockJobType = {
  unknown: 0,
  pull: 1,
  copy: 2,
  commit: 3,
  /** A commit of the image in use, which must be completed by hand. */
  activeCommit: 4,
  /** Libvirt 6.0. */
  backup: 5,
} as const;

/** What an event says of a disk's job (VIR_DOMAIN_BLOCK_JOB_*). */
export const DomainBlockJobStatus = {
  completed: 0,
  failed: 1,
  canceled: 2,
  /** A copy or active commit has caught up and can be completed. */
  ready: 3,
} as const;

/** How a disk's job ends (VIR_DOMAIN_BLOCK_JOB_ABORT_*). */
export const DomainBlockJobAbortFlag = {
  /** The reply does not wait for the end. */
  async: 1 << 0,
  /** The guest goes on with the copy, or with the image that was committed into. */
  pivot: 1 << 1,
} as const;

/** How a disk's job is told (VIR_DOMAIN_BLOCK_JOB_INFO_*). */
export const DomainBlockJobInfoFlag = {
  /** The bandwidth in bytes/s instead of MiB/s. */
  bandwidthBytes: 1 << 0,
} as const;

/** How a job's limit is set (VIR_DOMAIN_BLOCK_JOB_SPEED_*). */
export const DomainBlockJobSpeedFlag = {
  /** The bandwidth is in bytes/s instead of MiB/s. */
  bandwidthBytes: 1 << 0,
} as const;

/** How data are pulled up a chain (VIR_DOMAIN_BLOCK_PULL_*). */
export const DomainBlockPullFlag = {
  /** The bandwidth is in bytes/s instead of MiB/s. */
  bandwidthBytes: 1 << 6,
} as const;

/** How a disk is pulled to a base, or copied (VIR_DOMAIN_BLOCK_REBASE_*). */
export const DomainBlockRebaseFlag = {
  /** Copies the top image alone. */
  shallow: 1 << 0,
  /** Copies into a file that is there already, with the right format and backing. */
  reuseExt: 1 << 1,
  /** Makes the copy a raw image. */
  copyRaw: 1 << 2,
  /** Copies instead of pulling. */
  copy: 1 << 3,
  /** Keeps relative names of backing images. */
  relative: 1 << 4,
  /** The target is a block device. */
  copyDev: 1 << 5,
  /** The bandwidth is in bytes/s instead of MiB/s. */
  bandwidthBytes: 1 << 6,
} as const;

/** How a disk is copied (VIR_DOMAIN_BLOCK_COPY_*). */
export const DomainBlockCopyFlag = {
  /** Copies the top image alone. */
  shallow: 1 << 0,
  /** Copies into a target that is there already, with the right format and backing. */
  reuseExt: 1 << 1,
  /** Takes it that the job is lost when the domain stops; QEMU knows no other. */
  transientJob: 1 << 2,
  /** Every write of the guest waits for the target, so that the copy surely catches up. Libvirt 8.0. */
  synchronousWrites: 1 << 3,
} as const;

/** Names of the parameters of a copy (VIR_DOMAIN_BLOCK_COPY_*). */
export const DomainBlockCopyParam = {
  /** Ullong: limit in bytes/s. */
  bandwidth: 'bandwidth',
  /** Uint: bytes by which changes are noticed, a power of two. */
  granularity: 'granularity',
  /** Ullong: bytes that may be on their way. */
  bufSize: 'buf-size',
} as const;

/** How images are committed down a chain (VIR_DOMAIN_BLOCK_COMMIT_*). */
export const DomainBlockCommitFlag = {
  /** A base left out is the image right below the top. */
  shallow: 1 << 0,
  /** Deletes the files that are of no use afterwards. */
  delete: 1 << 1,
  /** The top may be the image in use. */
  active: 1 << 2,
  /** Keeps relative names of backing images. */
  relative: 1 << 3,
  /** The bandwidth is in bytes/s instead of MiB/s. */
  bandwidthBytes: 1 << 4,
} as const;

/** How a disk is resized (VIR_DOMAIN_BLOCK_RESIZE_*). */
export const DomainBlockResizeFlag = {
  /** The size is in bytes instead of KiB. */
  bytes: 1 << 0,
  /** The size is that of the block device below a raw disk; 0 or just that is given. Libvirt 10.0. */
  capacity: 1 << 1,
} as const;
