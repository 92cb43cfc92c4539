/**
 * Migration. Mostly it is one call to the source: `domainMigratePerform3Params` with
 * DomainMigrateFlag.peer2peer, which has the source's daemon do all five phases. Without that flag
 * the client drives them: begin at the source, prepare at the destination, perform at the source,
 * finish at the destination, confirm at the source, each with the same parameters and flags, each
 * taking the cookie of the one before. With `changeProtection` among the flags, as it should be,
 * begin opens a job at the source that only perform and confirm close. So where a phase fails the
 * way back is: after prepare failed, confirm; after that, finish and confirm, both `cancelled`; after
 * perform failed, which closes the job, finish alone. A host refuses a cookie of its own, so that
 * finish right behind prepare, and confirm right behind begin, take an empty one.
 *
 * Left out: the forms from before libvirt 1.1, and those that tunnel memory through a stream of the
 * destination, which a daemon opens but a client never does.
 */
import { bool, flags, opaque, optional, string, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/** Longest cookie that one phase hands to the next. */
export const MIGRATION_COOKIE_BYTES_MAX = 4 * 1024 * 1024;

const MIGRATION_PARAMS_MAX = 64;

const params = typedParams(MIGRATION_PARAMS_MAX);
const cookie = opaque(MIGRATION_COOKIE_BYTES_MAX);

/**
 * Sets the longest pause, in ms, with which a live migration may end, before it or while it runs. It
 * holds for later migrations of this start of the domain too. No flags are known.
 *
 * @since 0.8.0
 */
export const domainMigrateSetMaxDowntime = command(
  'domainMigrateSetMaxDowntime',
  166,
  { dom: domain, downtime: u64, flags },
  {},
);

/**
 * The longest pause that is allowed, in ms. No flags are known.
 *
 * @since 3.7.0
 */
export const domainMigrateGetMaxDowntime = query(
  'domainMigrateGetMaxDowntime',
  387,
  { dom: domain, flags },
  { downtime: u64 },
);

/**
 * Limits migrations of the domain to `bandwidth` MiB/s, before one or while it runs. Flags:
 * DomainMigrateMaxSpeedFlag.
 *
 * @since 0.9.0
 */
export const domainMigrateSetMaxSpeed = command(
  'domainMigrateSetMaxSpeed',
  207,
  { dom: domain, bandwidth: u64, flags },
  {},
);

/**
 * The limit in MiB/s; without one it is the largest number that libvirt can give. Flags:
 * DomainMigrateMaxSpeedFlag.
 *
 * @since 0.9.5
 */
export const domainMigrateGetMaxSpeed = query(
  'domainMigrateGetMaxSpeed',
  242,
  { dom: domain, flags },
  { bandwidth: u64 },
);

/**
 * Size in bytes of the cache by which xbzrle compresses pages that are sent again. No flags are known.
 *
 * @since 1.0.3
 */
export const domainMigrateGetCompressionCache = query(
  'domainMigrateGetCompressionCache',
  299,
  { dom: domain, flags },
  { cacheSize: u64 },
);

/**
 * Sets the size in bytes of the cache for xbzrle; QEMU wants a power of two of at least a page.
 * No flags are known.
 *
 * @since 1.0.3
 */
export const domainMigrateSetCompressionCache = command(
  'domainMigrateSetCompressionCache',
  300,
  { dom: domain, cacheSize: u64, flags },
  {},
);

/**
 * First phase, at the source: checks that the domain can go and gives the XML which prepare needs as
 * its DomainMigrateParam.destXml. Parameters: DomainMigrateParam. Flags: DomainMigrateFlag.
 *
 * @since 1.1.0
 */
export const domainMigrateBegin3Params = command(
  'domainMigrateBegin3Params',
  302,
  { dom: domain, params, flags },
  { cookieOut: cookie, xml: string },
);

/**
 * Second phase, at the destination: starts a QEMU that waits for the memory and says by `uriOut`
 * where; without it the `uri` that was given holds. Parameters: DomainMigrateParam, with the first
 * phase's XML as `destXml`. Flags: DomainMigrateFlag, without `abortOnError` and `autoConverge`.
 *
 * @since 1.1.0
 */
export const domainMigratePrepare3Params = command(
  'domainMigratePrepare3Params',
  303,
  { params, cookieIn: cookie, flags },
  { cookieOut: cookie, uriOut: optional(string) },
);

/**
 * Third phase, at the source: sends memory, and disks if wanted, to the `uri` of the parameters;
 * the reply comes when that is done or has failed. With `peer2peer` among the flags it is the whole
 * migration, to the daemon at `dconnuri`, which the source's daemon opens with its own keys.
 * Parameters: DomainMigrateParam. Flags: DomainMigrateFlag. Code 81 when libvirt holds it to be
 * unsafe. When it was aborted, code 78, or 1 where the destination's QEMU complained first: ask
 * both sides where the guest is.
 *
 * @since 1.1.0
 */
export const domainMigratePerform3Params = command(
  'domainMigratePerform3Params',
  305,
  { dom: domain, dconnuri: optional(string), params, cookieIn: cookie, flags },
  { cookieOut: cookie },
);

/**
 * Fourth phase, at the destination: lets the guest run there, or with `cancelled` takes the waiting
 * QEMU away and answers with code 93, which is then the good answer. Parameters:
 * DomainMigrateParam, of which `destName` must be there. Flags: as for prepare.
 *
 * @since 1.1.0
 */
export const domainMigrateFinish3Params = command(
  'domainMigrateFinish3Params',
  306,
  { params, cookieIn: cookie, flags, cancelled: bool },
  { dom: domain, cookieOut: cookie },
);

/**
 * Last phase, at the source: ends the guest there, or with `cancelled` lets it run on. Parameters:
 * DomainMigrateParam. Flags: DomainMigrateFlag.
 *
 * @since 1.1.0
 */
export const domainMigrateConfirm3Params = command(
  'domainMigrateConfirm3Params',
  307,
  { dom: domain, params, cookieIn: cookie, flags, cancelled: bool },
  {},
);

/**
 * Has a migration that runs with DomainMigrateFlag.postcopy go on at the destination now; missing
 * memory follows. From here it cannot be aborted, and where it fails neither side has a whole guest.
 * No flags are known. Code 55 where no such migration runs.
 *
 * @since 1.3.3
 */
export const domainMigrateStartPostCopy = command(
  'domainMigrateStartPostCopy',
  364,
  { dom: domain, flags },
  {},
);
