import { test } from 'node:test';
import { postgresSkip, startPostgres } from '../../store/postgres.ts';
import { LongStep } from './away.ts';
import { join } from './member.ts';

const skip = postgresSkip();

for (const mode of ['fast', 'immediate'] as const) {
  test(
    `a database that restarts (${mode}) within an operation delays it, and nothing else`,
    { skip },
    async (t) => {
      const postgres = await startPostgres();
      t.after(async () => postgres.remove());
      const step = new LongStep();
      await using member = await join(postgres.url, 'a', step.planOf);
      await step.survives(member, async () => {
        await postgres.stop(mode);
        await postgres.start();
      });
    },
  );
}
