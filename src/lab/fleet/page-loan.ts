import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { berthError } from '../../base/errors.ts';
import { formatSize, MIB } from '../../base/units.ts';
import { parseMeminfo } from '../../facts/meminfo.ts';
import { runCommand } from '../system/run-command.ts';

/** The machine's pool of 2 MiB pages over all cells (Documentation/admin-guide/mm/hugetlbpage.rst). */
const POOL = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
const PAGE_BYTES = 2 * MIB;
/** Memory that is left to the machine: the kernel would kill programs before it refused pages. */
const RESERVE_BYTES = 512 * MIB;
const DEADLINE_MS = 60_000;

const SCRIPT = fileURLToPath(new URL('../../../src/lab/fleet/page-loan.sh', import.meta.url));

/** Pages of 2 MiB by which the machine's pool is made larger for a lab. */
export interface PageLoan {
  readonly pages: number;
  /** The boot of the machine that they belong to; its end ends the loan. */
  readonly bootId: string;
  /** What was about to be done is known to be done, or is not. */
  readonly state: 'borrowing' | 'lent' | 'returning';
  /** The size of the pool when the state was written down. */
  readonly pool: number;
}

/**
 * A loan that is not made yet; to be written down before `borrowPages`.
 * @throws BERTH_CONFLICT when the machine has not so much memory to spare.
 */
export async function planLoan(pages: number): Promise<PageLoan> {
  const meminfo = parseMeminfo(await readFile('/proc/meminfo', 'utf8'));
  const spare = Math.max(0, (meminfo.get('MemAvailable') ?? 0) - RESERVE_BYTES);
  if (pages * PAGE_BYTES > spare) {
    throw refused(pages, `the machine can spare ${formatSize(spare)} of its memory`);
  }
  return { pages, bootId: await bootId(), state: 'borrowing', pool: await poolSize() };
}

/**
 * Makes the machine's pool larger. Page pools are the whole machine's: a lab can have none of its own.
 * @returns the loan as it is now, to be written down.
 * @throws BERTH_CONFLICT when the kernel finds less memory in one piece; it keeps none then.
 */
export async function borrowPages(loan: PageLoan): Promise<PageLoan> {
  const got = await changePool('borrow', loan.pages);
  if (got >= loan.pages) return { ...loan, state: 'lent' };
  throw refused(loan.pages, `the kernel found memory in one piece for ${got} of them`);
}

/** What is to be written down before `returnPages`; undefined when there is nothing to give back. */
export async function planReturn(loan: PageLoan): Promise<PageLoan | undefined> {
  if (loan.bootId !== (await bootId())) return undefined;
  const pool = await poolSize();
  if (loan.state === 'borrowing' && pool < loan.pool + loan.pages) return undefined;
  if (loan.state === 'returning' && pool <= loan.pool - loan.pages) return undefined;
  return { ...loan, state: 'returning', pool };
}

/** Makes the pool smaller again. Pages that are still in use go when they are freed. */
export async function returnPages({ pages }: PageLoan): Promise<void> {
  await changePool('return', pages);
}

/** Two labs that change the pool at once would each take the other's change for its own. */
async function changePool(verb: 'borrow' | 'return', pages: number): Promise<number> {
  const argv = ['flock', POOL, 'sh', SCRIPT, POOL, verb, `${pages}`] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: DEADLINE_MS, packages: ['util-linux'] });
  return Number(stdout);
}

async function poolSize(): Promise<number> {
  return Number(await readFile(POOL, 'utf8'));
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

function refused(pages: number, why: string): Error {
  return berthError('BERTH_CONFLICT', {
    what: `${pages} pages of 2 MiB for the lab`,
    why,
    remedy: 'ask for fewer, or free memory first',
  });
}
