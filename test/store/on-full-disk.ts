/**
 * `unshare --mount node on-full-disk.ts DIR`: fills a small file system, mounted at DIR for this
 * process alone, below an open store; prints what writing answers then, and once there is space.
 */
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBerthError } from '../../src/base/errors.ts';
import type { Placement } from '../../src/model/placement.ts';
import { Store } from '../../src/store/store.ts';

const dir = process.argv[2] ?? '';
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'small', dir]);
await using store = await Store.open(join(dir, 'store.sqlite'));
await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });

async function outcome(act: () => Promise<unknown>): Promise<string> {
  return act().then(
    () => 'it worked',
    (error: unknown) => (isBerthError(error) ? error.code : String(error)),
  );
}

const put = async (): Promise<unknown> =>
  store.operations.begin({
    id: 'o1',
    kind: 'create',
    vm: 'a',
    vmUuid: 'u',
    state: 'running',
    steps: [],
    done: 0,
    memory: { filler: 'x'.repeat(100_000) },
    revision: 1,
    startedAt: 1,
  });
// Only the parts that the store looks at.
const placement = { host: 'h1', reasons: ['x'.repeat(100_000)] } as unknown as Placement;
const take = async () => store.claims.take({ vm: 'a', uuid: 'u', placement, operation: 'o' }, 0);

const filler = join(dir, 'filler');
await writeFile(filler, Buffer.alloc(2 * 1024 * 1024)).catch(() => undefined);
const full = {
  put: await outcome(put),
  take: await outcome(take),
  claimsThen: (await store.claims.list()).length,
};
await rm(filler);
process.stdout.write(JSON.stringify({ ...full, after: await outcome(put) }));
