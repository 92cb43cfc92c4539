import assert from 'node:assert/strict';
import { isBerthError } from '../../../src/base/errors.ts';
import type { OperationPlan } from '../../../src/server/operations/operation-kind.ts';
import type { Member, Memory } from './member.ts';
import { until } from '../rig.ts';

/** An operation that is in its second step while something happens to the database. */
export class LongStep {
  readonly log: string[] = [];
  readonly #gate = Promise.withResolvers<void>();

  planOf = (): OperationPlan<Memory> => ({
    kind: 'create',
    hostOf: () => undefined,
    steps: ['one', 'two', 'three'].map((name) => ({
      name,
      act: async ({ by }) => {
        this.log.push(`do ${name}`);
        if (name === 'two') await this.#gate.promise;
        return { by: [...by, name] };
      },
      undo: async () => {
        this.log.push(`undo ${name}`);
      },
    })),
  });

  /** Begins at a member, lets things happen within the second step, and expects the end to be good. */
  async survives(member: Member, happen: () => Promise<void>): Promise<void> {
    const { id } = await member.runner.begin(this.planOf(), { vm: 'web', uuid: 'u' }, { by: [] });
    await until('the second step', async () => this.log.includes('do two'));
    const happening = happen();
    this.#gate.resolve(); // it is done while the database is away, and must be written all the same
    await happening;
    await until('its end', async () => (await readOf(member, id)) === 'done');
    assert.deepEqual(this.log, ['do one', 'do two', 'do three']);
    await until('a leader', async () => member.leadership.isLeader);
  }
}

async function readOf(member: Member, id: string): Promise<string | undefined> {
  try {
    return (await member.store.operations.get(id))?.state;
  } catch (error) {
    assert.ok(isBerthError(error, 'BERTH_STORE_UNREACHABLE'), String(error));
    return undefined;
  }
}
