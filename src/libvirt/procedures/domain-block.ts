/**
 * Disks of running domains: their size, and jobs that move data along a chain of images. A disk is
 * named by its target ("vda") or its source path; an image of its chain by path or as "vda[2]",
 * with the `index` of the domain's XML. Bandwidth is in MiB/s, 0 for no limit, or in bytes/s where
 * the call's flags say so. Jobs run on after the reply: DomainEvent.blockJob tells their end.
 */
import { bool, flags, i32, opaque, optional, string, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/** Most bytes that one call reads from a disk. */
export const BLOCK_PEEK_BYTES_MAX = 4 * 1024 * 1024;

const BLOCK_COPY_PARAMS_MAX = 16;

/**
 * Reads `size` bytes of a disk from byte `offset`, as stored: QEMU's driver does it for raw images
 * only (code 84). No flags are known.
 *
 * @since 0.4.2
 */
export const domainBlockPeek = query(
  'domainBlockPeek',
  103,
  { dom: domain, path: string, offset: u64, size: u32, flags },
  { buffer: opaque(BLOCK_PEEK_BYTES_MAX) },
);

/**
 * Bytes of a disk: what the guest sees (`capacity`), what the host has given to it (`allocation`;
 * of a qcow2 image on a block device the highest byte written), and how large the file is
 * (`physical`). No flags are known.
 *
 * @since 0.8.1
 */
export const domainGetBlockInfo = query(
  'domainGetBlockInfo',
  194,
  { dom: domain, path: string, flags },
  { allocation: u64, capacity: u64, physical: u64 },
);

/**
 * Ends a disk's job: a pull or commit is cancelled, a copy or active commit given up or, with
 * `pivot`, completed. Flags: DomainBlockJobAbortFlag. Without `async` the reply comes when the job
 * has ended. Code 8 where there is no job, 83 for a pivot before the job is ready.
 *
 * @since 0.9.4
 */
export const domainBlockJobAbort = command(
  'domainBlockJobAbort',
  237,
  { dom: domain, path: string, flags },
  {},
);

/**
 * A disk's job: whether there is one (`found`; all else is 0 without), its DomainBlockJobType, its
 * limit, and how far it is (`cur` of `end`, in bytes of its own measure). A copy or active commit is
 * ready when both are equal and not 0. Flags: DomainBlockJobInfoFlag.
 *
 * @since 0.9.4
 */
export const domainGetBlockJobInfo = query(
  'domainGetBlockJobInfo',
  238,
  { dom: domain, path: string, flags },
  { found: bool, type: i32, bandwidth: u64, cur: u64, end: u64 },
);

/**
 * Changes the limit of a disk's job. Flags: DomainBlockJobSpeedFlag. Code 8 where there is none.
 *
 * @since 0.9.4
 */
export const domainBlockJobSetSpeed = command(
  'domainBlockJobSetSpeed',
  239,
  { dom: domain, path: string, bandwidth: u64, flags },
  {},
);

/**
 * Starts to pull everything below a disk's top image into it, so that it stands alone. Flags:
 * DomainBlockPullFlag. Code 84 while another job is at the disk.
 *
 * @since 0.9.4
 */
export const domainBlockPull = command(
  'domainBlockPull',
  240,
  { dom: domain, path: string, bandwidth: u64, flags },
  {},
);

/**
 * Sets the size of a disk while the guest runs, in KiB, or in bytes with DomainBlockResizeFlag.bytes;
 * QEMU rounds up to what the image format allows. The guest hears of it at once. A smaller size is
 * taken too, and cuts data off. Flags: DomainBlockResizeFlag. Code 55 while it does not run.
 *
 * @since 0.9.8
 */
export const domainBlockResize = command(
  'domainBlockResize',
  251,
  { dom: domain, disk: string, size: u64, flags },
  {},
);

/**
 * Starts to pull the images between a disk's top and `base` into the top, or with
 * DomainBlockRebaseFlag.copy to copy the disk of a transient domain to the file `base`
 * (`domainBlockCopy` can say more of the target). Flags: DomainBlockRebaseFlag.
 *
 * @since 0.9.10
 */
export const domainBlockRebase = command(
  'domainBlockRebase',
  266,
  { dom: domain, path: string, base: optional(string), bandwidth: u64, flags },
  {},
);

/**
 * Starts to write the data of the images from `top` down into `base`; left out they are the top and
 * the bottom of the chain. Where `top` is the image in use `active` must be among the flags
 * (DomainBlockCommitFlag; else code 8): that job gets ready, keeps both equal, and waits for
 * `domainBlockJobAbort` with or without `pivot`.
 *
 * @since 0.10.2
 */
export const domainBlockCommit = command(
  'domainBlockCommit',
  290,
  {
    dom: domain,
    disk: string,
    base: optional(string),
    top: optional(string),
    bandwidth: u64,
    flags,
  },
  {},
);

/**
 * Starts to copy a disk to what a `<disk>` element describes, by parameters of DomainBlockCopyParam
 * (the bandwidth in bytes/s here). The job gets ready, keeps both equal, and waits for
 * `domainBlockJobAbort` with or without `pivot`. Flags: DomainBlockCopyFlag; a defined domain needs
 * `transientJob` among them (code 55).
 *
 * @since 1.2.8
 */
export const domainBlockCopy = command(
  'domainBlockCopy',
  345,
  {
    dom: domain,
    path: string,
    destxml: string,
    params: typedParams(BLOCK_COPY_PARAMS_MAX),
    flags,
  },
  {},
);

/**
 * Asks for one DomainEvent.blockThreshold once an image is written beyond byte `threshold`, so that
 * it can be enlarged in time; 0 takes the wish back. `dev` is "vda" or an image of its chain
 * ("vda[2]"). No flags are known.
 *
 * @since 3.1.0
 */
export const domainSetBlockThreshold = command(
  'domainSetBlockThreshold',
  386,
  { dom: domain, dev: string, threshold: u64, flags },
  {},
);
