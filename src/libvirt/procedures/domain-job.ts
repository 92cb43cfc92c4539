/**
 * The one long job that a domain can have at a time: a migration, a save, a dump, a backup. A second
 * one, like most calls that change the domain, waits for the first to end and gives up after 30 s with
 * code 68.
 */
import { flags, i32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const JOB_STATS_MAX = 64;

/**
 * How far the domain's job is: `type` is a DomainJobType, times are in ms, everything else is in
 * bytes. All is 0 where there is no job. `domainGetJobStats` tells more.
 *
 * @since 0.7.7
 */
export const domainGetJobInfo = query(
  'domainGetJobInfo',
  163,
  { dom: domain },
  {
    type: i32,
    timeElapsed: u64,
    timeRemaining: u64,
    dataTotal: u64,
    dataProcessed: u64,
    dataRemaining: u64,
    memTotal: u64,
    memProcessed: u64,
    memRemaining: u64,
    fileTotal: u64,
    fileProcessed: u64,
    fileRemaining: u64,
  },
);

/**
 * Asks that the domain's job be stopped, or ends a backup in pull mode. The call that started it
 * mostly fails with code 78. Code 55 where there is no job, or a migration that has gone post-copy.
 *
 * @since 0.7.7
 */
export const domainAbortJob = command('domainAbortJob', 164, { dom: domain }, {});

/**
 * How far the domain's job is, or how the last one went: `type` is a DomainJobType, the parameters
 * are named in DomainJobStat. Flags: DomainJobStatsFlag. Without a job the list is empty; code 55
 * when the domain does not run.
 *
 * @since 1.0.3
 */
export const domainGetJobStats = query(
  'domainGetJobStats',
  298,
  { dom: domain, flags },
  { type: i32, params: typedParams(JOB_STATS_MAX) },
);

/**
 * Does what `domainAbortJob` does; with DomainAbortJobFlag.postcopy also to a post-copy migration,
 * which stays halfway until it is resumed.
 *
 * @since 8.5.0
 */
export const domainAbortJobFlags = command('domainAbortJobFlags', 442, { dom: domain, flags }, {});
