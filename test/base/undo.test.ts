import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonOf, Undo } from '../../src/base/undo.ts';

test('leaving the scope without a commit runs the hooks backwards', async () => {
  const ran: string[] = [];
  {
    await using undo = new Undo();
    undo.add('take back one', () => void ran.push('one'));
    undo.add('take back two', async () => void ran.push('two'));
  }
  assert.deepEqual(ran, ['two', 'one']);
});

test('after a commit nothing is taken back', async () => {
  const ran: string[] = [];
  {
    await using undo = new Undo();
    undo.add('take back', () => void ran.push('x'));
    undo.commit();
  }
  assert.deepEqual(ran, []);
});

test('a hook that fails is reported by name and does not stop those before it', async () => {
  const ran: string[] = [];
  const undo = new Undo();
  undo.add('remove the file', () => void ran.push('file'));
  undo.add('remove the link', () => {
    throw new Error('busy');
  });
  await assert.rejects(undo.run(), (error) => {
    assert.ok(error instanceof AggregateError);
    const [failure] = error.errors as Error[];
    assert.equal(failure?.message, 'could not remove the link');
    assert.deepEqual(failure.cause, new Error('busy'));
    return true;
  });
  assert.deepEqual(ran, ['file']);
});

test('the reason of a failure is that of the work, however often undoing it failed', async () => {
  const reason = new Error('the work');
  const work = async (): Promise<void> => {
    await using outer = new Undo();
    outer.add('take back one', () => Promise.reject(new Error('one')));
    await using inner = new Undo();
    inner.add('take back two', () => Promise.reject(new Error('two')));
    throw reason;
  };
  const thrown = await work().catch((error: unknown) => error);
  assert.notEqual(thrown, reason);
  assert.equal(reasonOf(thrown), reason);
  assert.equal(reasonOf(reason), reason);
});
