import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Store } from '../../src/store/store.ts';
import { postgresSkip, startPostgres } from './postgres.ts';
import type { Postgres } from './postgres.ts';

let shared: Promise<Postgres> | undefined;
after(async () => (await shared)?.remove());

/** One PostgreSQL server for all tests of a file. */
export async function sharedPostgres(): Promise<Postgres> {
  shared ??= startPostgres();
  return shared;
}

/** A test of the store on both databases, each time on an empty one that `open` opens again and again. */
export function onBothStores(
  title: string,
  work: (open: () => Promise<Store>) => Promise<void>,
): void {
  test(`${title}, in a file`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-store-'));
    t.after(async () => rm(folder, { recursive: true }));
    await work(async () => Store.open(join(folder, 'store.sqlite')));
  });
  test(`${title}, on PostgreSQL`, { skip: postgresSkip() }, async () => {
    const url = await (await sharedPostgres()).database();
    await work(async () => Store.open(url));
  });
}
