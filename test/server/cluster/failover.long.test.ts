import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../../src/store/store.ts';
import { postgresSkip, startPostgres } from '../../store/postgres.ts';
import { LongStep } from './away.ts';
import { join } from './member.ts';

const skip = postgresSkip();

test(
  'a database that fails over to its replica within an operation delays it, and nothing else',
  { skip },
  async (t) => {
    const primary = await startPostgres();
    t.after(async () => primary.remove());
    const replica = await primary.replica();
    t.after(async () => replica.remove());
    // The journal must be on both before a write counts: what is failed over to then knows it all.
    await primary.run("alter system set synchronous_standby_names = '*'");
    await primary.run('select pg_reload_conf()');
    const hosts = [replica.socket, primary.socket].map(encodeURIComponent).join(',');
    const url = `postgresql://postgres@${hosts}/postgres`;
    const step = new LongStep();
    await using member = await join(url, 'a', step.planOf);
    await step.survives(member, async () => {
      await primary.stop('immediate');
      await replica.promote();
    });
    await using again = await Store.open(url);
    assert.equal((await again.servers.list()).length, 1);
  },
);
