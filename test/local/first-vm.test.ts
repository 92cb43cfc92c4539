import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import { ensureFirstVm } from '../../src/local/first-vm.ts';
import type { HelloDocument } from '../../src/local/hello.ts';
import type { KnownVm, ServerPort } from '../../src/local/server-port.ts';

const REFUSED = berthError('BERTH_REFUSED', { vm: 'hello', summary: 'no CPU', explanation: {} });

/** Runs the step against a server that has these VMs and answers creations in turn. */
async function firstVm(
  vms: readonly KnownVm[],
  options: { readonly onlineCpus: number; readonly answers?: readonly (Error | undefined)[] },
) {
  const asked: string[] = [];
  const answers = [...(options.answers ?? [])];
  const port: Partial<ServerPort> = {
    vms: async () => Promise.resolve(vms),
    createVm: async ({ spec }: HelloDocument) => {
      asked.push(`create ${spec.cpu.policy}`);
      const answer = answers.shift();
      if (answer !== undefined) throw answer;
      return Promise.resolve();
    },
    startVm: async (name) => {
      asked.push(`start ${name}`);
      return Promise.resolve();
    },
    consoleShows: async () => Promise.resolve(true),
  };
  const outcome = await ensureFirstVm({
    port: port as ServerPort,
    hostName: 'node7',
    boot: { kernel: '/k', initrd: '/i' },
    onlineCpus: options.onlineCpus,
    signal: new AbortController().signal,
    detail: () => undefined,
  });
  return { asked, changed: outcome.changed, created: outcome.value.created };
}

const hello = (state: string): KnownVm => ({ name: 'hello', host: 'node7', state, managed: true });

test('the first VM gets a CPU of its own where the machine has two', async () => {
  const created = { changed: true, created: true };
  assert.deepEqual(await firstVm([], { onlineCpus: 2 }), {
    asked: ['create dedicated'],
    ...created,
  });
  assert.deepEqual(await firstVm([], { onlineCpus: 1 }), { asked: ['create shared'], ...created });
});

test('where no CPU can be spared it shares; any other failure is one', async () => {
  const { asked } = await firstVm([], { onlineCpus: 4, answers: [REFUSED] });
  assert.deepEqual(asked, ['create dedicated', 'create shared']);
  await assert.rejects(firstVm([], { onlineCpus: 1, answers: [REFUSED] }), REFUSED);
  const other = berthError('BERTH_DISK_FULL', { what: 'x', path: '/' });
  await assert.rejects(firstVm([], { onlineCpus: 4, answers: [other] }), other);
});

test('one that is off is started; one that runs, or that somebody paused, is left alone', async () => {
  for (const state of ['shutoff', 'crashed']) {
    const { asked, changed, created } = await firstVm([hello(state)], { onlineCpus: 2 });
    assert.deepEqual([asked, changed, created], [['start hello'], true, false]);
  }
  for (const state of ['running', 'paused', 'blocked']) {
    const { asked, changed } = await firstVm([hello(state)], { onlineCpus: 2 });
    assert.deepEqual([asked, changed], [[], false]);
  }
});
