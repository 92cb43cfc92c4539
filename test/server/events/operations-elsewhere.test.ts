import assert from 'node:assert/strict';
import { OperationsElsewhere } from '../../../src/server/events/operations-elsewhere.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { onBothStores } from '../../store/both-stores.ts';

function operation(id: string, server: string): OperationRecord {
  return {
    id,
    kind: 'start',
    vm: id,
    vmUuid: `uuid-${id}`,
    host: 'h1',
    state: 'running',
    steps: ['one', 'two'],
    done: 0,
    memory: {},
    revision: 1,
    startedAt: 1,
    server,
  };
}

onBothStores(
  'what other servers write of operations is told once, and what this one writes never',
  async (open) => {
    await using store = await open();
    const { operations } = store;
    const told: string[] = [];
    const elsewhere = new OperationsElsewhere(store.operationNews, 'here', (standing) =>
      told.push(`${standing.id} ${standing.state} ${standing.done}/${standing.steps.length}`),
    );
    await operations.begin(operation('before', 'there'));
    await elsewhere.look();
    assert.deepEqual(told, [], 'what was before is told by the lists');
    const theirs = operation('theirs', 'there');
    await operations.begin(theirs);
    await operations.begin(operation('ours', 'here'));
    await elsewhere.look();
    await elsewhere.look();
    assert.deepEqual(told.splice(0), ['theirs running 0/2']);
    await operations.write({ ...theirs, done: 1, revision: 2 });
    await operations.write({ ...theirs, done: 2, revision: 3, state: 'done', endedAt: 2 });
    const short = operation('short', 'there');
    await operations.begin(short);
    await operations.write({ ...short, done: 2, revision: 3, state: 'done', endedAt: 2 });
    await elsewhere.look();
    await elsewhere.look();
    assert.deepEqual(told.splice(0), ['theirs done 2/2', 'short done 2/2']);
    await operations.write({ ...operation('before', 'there'), done: 1, revision: 2 });
    await operations.takeOver('before', 'elsewhere');
    await elsewhere.look();
    assert.deepEqual(told, ['before running 1/2'], 'also by whom it was taken over');
  },
);
