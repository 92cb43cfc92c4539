import assert from 'node:assert/strict';
import type { Client } from '../../../src/api/client.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import { labHost } from '../../lab/lab-host.ts';
import { sharedPostgres } from '../../store/both-stores.ts';
import { done, tinyVm } from '../rig.ts';
import { ServerProcess } from '../server-process.ts';

/** After how many steps of each creation, and of each removal, a server is killed. */
export interface Kills {
  readonly create: readonly number[];
  readonly remove: readonly number[];
}

/** Two server processes on one database; one is killed again and again, the other goes on each time. */
export async function killServers({ create, remove }: Kills): Promise<void> {
  const lab = await labHost();
  const url = await (await sharedPostgres()).database();
  await using survivor = await ServerProcess.start(url);
  const { client } = survivor;
  await client.addHost({ name: 'h1', uri: lab.uri });
  const document = (name: string) => tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
  for (const steps of create) {
    const name = `made${steps}`;
    const last = await killedWithin(client, url, steps, async (victim) =>
      victim.createVm(document(name), { start: true }),
    );
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    const vm = await client.vm(name);
    assert.deepEqual([vm.state, vm.verified?.differences], ['running', []]);
    await assertNoLeak(client);
    await done(client, await client.removeVm(name, { force: true }));
  }
  for (const steps of remove) {
    const name = `gone${steps}`;
    await done(client, await client.createVm(document(name), { start: true }));
    const last = await killedWithin(client, url, steps, async (victim) =>
      victim.removeVm(name, { force: true }),
    );
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    assert.deepEqual(await client.vms(), []);
    await assertNoLeak(client);
  }
}

/** Begins something at a server that is killed after some steps. @returns what the other made of it */
async function killedWithin(
  survivor: Client,
  url: string,
  steps: number,
  begin: (victim: Client) => Promise<OperationView>,
): Promise<OperationView> {
  await using victim = await ServerProcess.start(url);
  const begun = await begin(victim.client);
  await seen(victim.client, begun, steps);
  await victim.end('SIGKILL');
  return await survivor.wait(begun, () => {});
}

/** Settles when an operation has done so many steps, as another server sees it. */
async function seen(client: Client, begun: OperationView, steps: number): Promise<void> {
  const watching = new AbortController();
  await client
    .wait(
      begun,
      (operation) => {
        if (operation.done >= steps) watching.abort();
      },
      watching.signal,
    )
    .catch(() => undefined);
}

async function assertNoLeak(client: Client): Promise<void> {
  const { seats, vms } = await client.host('h1');
  assert.deepEqual(seats.map((seat) => seat.vm).toSorted(), vms.map((vm) => vm.name).toSorted());
}
