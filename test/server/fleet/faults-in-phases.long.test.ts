import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isBerthError } from '../../../src/base/errors.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { breakHost, mendHost } from '../../../src/lab/fault/break-host.ts';
import { parseFault } from '../../../src/lab/fault/fault.ts';
import { findFaultTarget } from '../../../src/lab/fleet/fault-target-of.ts';
import {
  brokenLab,
  faultSkip,
  restartBrokenLab,
  type BrokenLab,
} from '../../lab/fault/broken-lab.ts';
import { untilLibvirtAnswers } from '../../../src/lab/private-host/libvirt-ready.ts';
import { TEST_CACHE } from '../../lab/lab-host.ts';
import { until, virsh } from '../../lab/tiny-guest.ts';
import { done, startRig, tinyVm, type Rig } from '../rig.ts';

/**
 * Every fault that a host's server can meet, in every step of every operation: whatever becomes of
 * the operation, it ends, and the host has what the server says it has.
 */

const skip = await faultSkip();

/** How long a fault stays; long enough for the operation to run into it. */
const BROKEN_MS = 1_000;
/** A host that was away is asked again after some seconds, and a loaded machine is slow. */
const END_MS = 120_000;
const LOOK_AGAIN_MS = 50;
const CREATE_STEPS = 6;
const REMOVE_STEPS = 4;
/** The network is not among them: the server is on the host's own socket. */
const FAULTS = [
  'libvirtd-kill',
  'libvirtd-stop',
  'qemu-kill NAME',
  'disk-full',
  'freeze',
  'clock +86400',
  'crash',
];

interface Stage {
  readonly rig: Rig;
  readonly lab: BrokenLab;
  readonly fault: string;
}

function document({ rig }: Stage, name: string): VmDocument {
  const disks = [{ name: 'data', size: '8MiB' }];
  return tinyVm(rig.lab, name, { cpu: { count: 1, policy: 'dedicated' }, disks });
}

/** Breaks the host as soon as so many steps are done, mends it a while later, and sees the end. */
async function breakAfter(
  stage: Stage,
  begun: OperationView,
  steps: number,
): Promise<OperationView> {
  const { client } = stage.rig;
  const reached = new AbortController();
  const watch = (operation: OperationView): void => {
    if (operation.done >= steps) reached.abort();
  };
  await client.wait(begun, watch, reached.signal).catch((error: unknown) => {
    if (!reached.signal.aborted) throw error;
  });
  await strike(stage, begun.vm);
  const ending = endOf(stage, begun);
  ending.catch(() => undefined); // is awaited below
  await Promise.race([ending, delay(BROKEN_MS)]);
  await mend(stage);
  const last = await ending;
  await until('the host connected again', END_MS, async () =>
    (await client.hosts()).every((host) => host.state === 'connected'),
  );
  return last;
}

/** One that is being taken back waits for its host, and is told as running all the while. */
async function endOf({ rig }: Stage, begun: OperationView): Promise<OperationView> {
  const deadline = AbortSignal.timeout(END_MS);
  for (;;) {
    const last = await rig.client.wait(begun, () => {}, deadline);
    if (last.state !== 'running') return last;
    await delay(LOOK_AGAIN_MS, undefined, { signal: deadline });
  }
}

async function strike({ lab, fault }: Stage, vm: string): Promise<void> {
  const target = await findFaultTarget(lab.home, 'lab-1', TEST_CACHE);
  try {
    await breakHost(target, parseFault(fault.replace('NAME', vm).split(' ')), {});
  } catch (error) {
    // There is nothing to kill before the start, and after the end.
    if (!(fault.startsWith('qemu-kill') && isBerthError(error, 'BERTH_NOT_FOUND'))) throw error;
  }
}

async function mend({ lab, fault }: Stage): Promise<void> {
  if (fault === 'crash') await restartBrokenLab(lab);
  else await mendHost(await findFaultTarget(lab.home, 'lab-1', TEST_CACHE), undefined);
}

/** What the host has is what the server tells, and nobody holds a place without a VM. */
async function assertTrue({ rig, lab }: Stage, what: string): Promise<void> {
  const { client } = rig;
  // An operation can end well before the daemon is back: its last words may be the server's own.
  await untilLibvirtAnswers(lab.target.uri, AbortSignal.timeout(END_MS));
  const told = (await client.vms()).map(({ name }) => name).toSorted();
  const there = (await virsh(lab.target.uri, 'list', '--all', '--name')).split('\n');
  assert.deepEqual(told, there.filter((name) => name !== '').toSorted(), what);
  const { seats } = await client.host('h1');
  assert.deepEqual(seats.map(({ vm }) => vm).toSorted(), told, what);
  const volumes = await virsh(lab.target.uri, 'vol-list', 'default');
  const disks = [...volumes.matchAll(/^ *(\S+)\.data\.qcow2 /gm)].map((match) => match[1] ?? '');
  assert.deepEqual(disks.toSorted(), told, `${what}: disks\n${volumes}`);
}

async function removeAll({ rig }: Stage): Promise<void> {
  for (const { name } of await rig.client.vms()) {
    await done(rig.client, await rig.client.removeVm(name, { force: true }));
  }
}

async function inCreate(stage: Stage, steps: number): Promise<void> {
  const { client } = stage.rig;
  const name = `made${steps}`;
  const begun = await client.createVm(document(stage, name), { start: true });
  assert.equal(begun.steps.length, CREATE_STEPS);
  const last = await breakAfter(stage, begun, steps);
  const what = `create, ${steps} steps done: ${last.state} ${last.error?.detail ?? ''}`;
  assert.ok(last.state === 'done' || last.state === 'undone', what);
  await assertTrue(stage, what);
  const names = (await client.vms()).map((vm) => vm.name);
  assert.deepEqual(names, last.state === 'done' ? [name] : [], what);
  if (last.state === 'done') {
    const vm = await client.vm(name);
    if (vm.state === 'running') assert.deepEqual(vm.verified?.differences, [], what);
  }
  await removeAll(stage);
}

async function inRemove(stage: Stage, steps: number): Promise<void> {
  const { client } = stage.rig;
  const name = `gone${steps}`;
  await done(client, await client.createVm(document(stage, name), { start: true }));
  const begun = await client.removeVm(name, { force: true });
  assert.equal(begun.steps.length, REMOVE_STEPS);
  const last = await breakAfter(stage, begun, steps);
  const what = `remove, ${steps} steps done: ${last.state} ${last.error?.detail ?? ''}`;
  if (last.state === 'done') await assertTrue(stage, what);
  // A removal that has begun goes on when it can; one that had not leaves the VM to be removed again.
  const isThere = (await client.vms()).some((vm) => vm.name === name);
  assert.equal(isThere, last.state !== 'done', what);
  await removeAll(stage);
  await assertTrue(stage, `${what}, and removed again`);
}

async function inTurns(stage: Stage): Promise<void> {
  const { client } = stage.rig;
  await done(client, await client.createVm(document(stage, 'turns'), { start: false }));
  for (const [act, options] of [
    ['start', {}],
    ['stop', { force: true }],
  ] as const) {
    const last = await breakAfter(stage, await client.act('turns', act, options), 0);
    const what = `${act}: ${last.state} ${last.error?.detail ?? ''}`;
    assert.notEqual(last.state, 'running', what);
    await assertTrue(stage, what);
    if ((await client.vm('turns')).state === 'running' || act === 'stop') continue;
    const again = await client.wait(await client.act('turns', 'start'), () => {});
    assert.equal(again.state, 'done', `${what}, then ${again.error?.detail}`);
  }
  await removeAll(stage);
}

/**
 * A server for each phase: one that has lost its host often asks for it ever more seldom. It is
 * ended whatever comes, and what went wrong first is told.
 */
async function onStage(fault: string, work: (stage: Stage) => Promise<void>): Promise<void> {
  const lab = await brokenLab();
  await untilLibvirtAnswers(lab.target.uri, AbortSignal.timeout(END_MS));
  const rig = await startRig({ uri: lab.target.uri });
  try {
    await work({ rig, lab, fault });
  } catch (error) {
    await Promise.resolve(rig[Symbol.asyncDispose]()).catch(() => undefined);
    throw error;
  }
  await rig[Symbol.asyncDispose]();
}

describe('faults in every phase', { skip, concurrency: false }, () => {
  for (const fault of FAULTS) {
    test(`${fault} in every step of create, remove, start and stop`, async () => {
      for (let steps = 0; steps < CREATE_STEPS; steps++) {
        await onStage(fault, async (stage) => inCreate(stage, steps));
      }
      for (let steps = 0; steps < REMOVE_STEPS; steps++) {
        await onStage(fault, async (stage) => inRemove(stage, steps));
      }
      await onStage(fault, inTurns);
    });
  }
});
