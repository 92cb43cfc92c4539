import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { downLab } from '../../../src/lab/fleet/lab.ts';
import { labNames } from '../../../src/lab/fleet/lab-folder.ts';
import { findLab } from '../../../src/lab/fleet/list-labs.ts';
import { until, virsh } from '../tiny-guest.ts';
import {
  bringUp,
  fleetSkip,
  keeperPid,
  labHome,
  labTraces,
  networkNamespaces,
  NO_TOPOLOGY,
} from './test-lab.ts';

const skip = await fleetSkip();
const LABS = 20;
const HOSTS = 3;
/** A start takes 0.5 s and an end 1 s on an idle machine; moments are drawn from all of it. */
const START_MS = 1_200;
const END_MS = 2_000;

/** Numbers from 0 to 1 that are the same in every run, by Lehmer's generator. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Runs one of the scripts beside this file and kills it after a while, unless it has ended. */
async function killed(script: string, args: readonly string[], afterMs: number): Promise<void> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const begun = once(child.stdout, 'data');
  await Promise.race([begun, ended]);
  await Promise.race([delay(afterMs), ended]);
  child.kill('SIGKILL');
  await ended;
}

describe('labs that are killed', { skip, concurrency: false }, () => {
  test(`${LABS} in a row, starts and ends killed at any moment, leave nothing`, async () => {
    const random = numbers(20_261_121);
    const home = labHome();
    const before = await labTraces(home, HOSTS);
    const namespaces = new Set<string>();
    for (let lab = 1; lab <= LABS; lab++) {
      const startMs = Math.round(random() * START_MS);
      await killed('start-lab.ts', [home, `${HOSTS}`], startMs);
      if (lab % 4 === 0) {
        // What was left half made comes up whole.
        const { hosts } = await bringUp(home, { hosts: HOSTS });
        for (const { uri, name } of hosts) assert.equal(await virsh(uri, 'hostname'), name);
        const { processes } = await labTraces(home, HOSTS);
        const ours = new Set(processes.map((line) => Number.parseInt(line, 10)));
        for (const [namespace, pids] of await networkNamespaces()) {
          if (pids.some((pid) => ours.has(pid))) namespaces.add(namespace);
        }
        assert.ok(namespaces.size > HOSTS, 'the lab’s own and one of each host');
      }
      const endMs = Math.round(random() * END_MS);
      if (lab % 2 === 0) await killed('end-labs.ts', [home], endMs);
      await downLab(home, 'lab');
      const where = `lab ${lab}, start killed after ${startMs} ms, end after ${endMs} ms`;
      assert.deepEqual(await labTraces(home, HOSTS), before, where);
      assert.deepEqual(await labNames(home), [], where);
    }
    const left = [...(await networkNamespaces()).keys()].filter((at) => namespaces.has(at));
    assert.deepEqual(left, [], 'no process is left in any namespace of theirs');
    assert.equal((await readdir(home)).includes('lab'), false);
  });

  test('a keeper that is killed takes all of its lab along, and the lab comes up again', async () => {
    const home = labHome();
    const lab = await bringUp(home, { hosts: 2 });
    process.kill(await keeperPid(home), 'SIGKILL');
    const states = async (): Promise<string> =>
      (await findLab(home, 'lab', NO_TOPOLOGY)).hosts.map(({ state }) => state).join();
    await until('the end of the hosts', 10_000, async () => (await states()) === 'stopped,stopped');
    const again = await bringUp(home, { hosts: 2 });
    assert.equal(again.network, lab.network, 'on the same network');
    for (const { uri, name } of again.hosts) assert.equal(await virsh(uri, 'hostname'), name);
    await downLab(home, 'lab');
  });
});
