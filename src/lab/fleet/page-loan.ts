import { readFile, writeFile } from 'node:fs/promises';
import { berthError } from '../../base/errors.ts';

/** The machine's pool of 2 MiB pages over all cells (Documentation/admin-guide/mm/hugetlbpage.rst). */
const POOL = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';

/** Pages of 2 MiB by which the machine's pool is made larger, written down before it is. */
export interface PageLoan {
  readonly pages: number;
  /** The size of the pool without them. */
  readonly before: number;
}

/** A loan that is not made yet. Page pools are the whole machine's: a lab can have none of its own. */
export async function planPageLoan(pages: number): Promise<PageLoan> {
  return { pages, before: await poolSize() };
}

/**
 * Makes the pool larger.
 * @throws BERTH_CONFLICT when the kernel finds less free memory in one piece; it keeps none then.
 */
export async function borrowPages({ pages, before }: PageLoan): Promise<void> {
  await writeFile(POOL, `${before + pages}`);
  const got = (await poolSize()) - before;
  if (got >= pages) return;
  await writeFile(POOL, `${before}`);
  throw berthError('BERTH_CONFLICT', {
    what: `${pages} pages of 2 MiB for the lab`,
    why: `the kernel found memory in one piece for ${got} of them`,
    remedy: 'ask for fewer, or free memory first',
  });
}

/** Makes the pool smaller again by what of the loan is in it; a second time changes nothing. */
export async function returnPages({ pages, before }: PageLoan): Promise<void> {
  const now = await poolSize();
  const lent = Math.min(pages, Math.max(0, now - before));
  if (lent > 0) await writeFile(POOL, `${now - lent}`);
}

async function poolSize(): Promise<number> {
  return Number(await readFile(POOL, 'utf8'));
}
