import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { errorOf } from '../../../src/api/problem.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { OWNER } from '../../../src/server/access/caller.ts';
import { deleteOwnPaths } from '../../../src/server/operations/own-volumes.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { bookProblems } from './books.ts';
import { dedicatedVm, Pair } from './pair.ts';

const UPDATE = { restart: false, force: false, caller: OWNER };
const DISK: Partial<VmDocument['spec']> = { disks: [{ name: 'root', size: '1GiB' }] };

function failedWith({ error }: OperationRecord, code: 'BERTH_CONFLICT' | 'BERTH_EXISTS'): boolean {
  return isBerthError(errorOf(error), code);
}

function labelled(document: VmDocument): VmDocument {
  return { ...document, metadata: { ...document.metadata, labels: { app: 'x' } } };
}

test('a change of size reads first what another server has placed beside the VM', async () => {
  const pair = await Pair.start();
  const { a, b, world, most } = pair;
  const host = pair.host.name;
  const v = dedicatedVm('v', 1, { host });
  await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  pair.holdNewsUp();
  const w = dedicatedVm('w', most, { host });
  await pair.end(a, a.services.vms.createVm(w, false, OWNER));
  const bigger = dedicatedVm('v', most + 1, { host });
  const update = await pair.end(b, b.services.declare.update('v', bigger, UPDATE));
  assert.deepEqual(await bookProblems(world), []);
  assert.equal(update.state, 'undone');
});

test('a place that a VM may still go back to is given to nobody else', async () => {
  const pair = await Pair.start();
  const { a, b, world, most } = pair;
  const host = pair.host.name;
  const v = dedicatedVm('v', most, { host });
  await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  const smaller = a.services.declare.update('v', dedicatedVm('v', 1, { host }), UPDATE);
  const { id } = await pair.until(smaller);
  const isDefined = (name: string): boolean => name === 'write its definition';
  await pair.reached(a, id, ({ steps, done }) => steps.slice(0, done).some(isDefined));
  pair.host.stall(10_000);
  const w = dedicatedVm('w', most + 1, { host });
  const { id: coming } = await pair.until(b.services.vms.createVm(w, false, OWNER));
  await pair.until(a.services.operations.cancel(id));
  const [update, create] = [await pair.ended(a, id), await pair.ended(b, coming)];
  assert.deepEqual([update.state, create.state], ['undone', 'undone']);
  assert.deepEqual(await bookProblems(world), []);
});

test('what a VM does not need any more is free as soon as its change is done', async () => {
  const pair = await Pair.start();
  const { a, b, world, most } = pair;
  const host = pair.host.name;
  const v = dedicatedVm('v', most, { host });
  await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  pair.holdNewsUp();
  const smaller = dedicatedVm('v', 1, { host });
  await pair.end(a, a.services.declare.update('v', smaller, UPDATE));
  const w = dedicatedVm('w', most + 1, { host });
  const create = await pair.end(b, b.services.vms.createVm(w, false, OWNER));
  assert.equal(create.state, 'done');
  assert.deepEqual(await bookProblems(world), []);
});

test('a change that was worked out before another one is refused, and takes nothing back', async () => {
  const pair = await Pair.start();
  const { a, b, world, most } = pair;
  const host = pair.host.name;
  const v = dedicatedVm('v', most, { host });
  await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  const late = await pair.late('update', async () =>
    b.services.declare.update('v', labelled(v), UPDATE),
  );
  const smaller = dedicatedVm('v', 1, { host });
  await pair.end(a, a.services.declare.update('v', smaller, UPDATE));
  const w = dedicatedVm('w', most + 1, { host });
  const create = await pair.end(a, a.services.vms.createVm(w, false, OWNER));
  const update = await pair.end(b, late());
  assert.deepEqual([create.state, update.state], ['done', 'undone']);
  assert.ok(failedWith(update, 'BERTH_CONFLICT'));
  assert.deepEqual(await bookProblems(world), []);
});

test('a guest that another server has just started is not ended by a removal without force', async () => {
  const pair = await Pair.start();
  const { a, b, host } = pair;
  const v = dedicatedVm('v', 1, { host: host.name });
  await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  pair.holdNewsUp();
  await pair.end(a, a.services.vms.act('v', 'start', false));
  const removal = await pair.end(b, b.services.vms.removeVm('v', false));
  assert.equal(removal.state, 'undone');
  assert.ok(failedWith(removal, 'BERTH_CONFLICT'));
  assert.ok(host.domains.all.find(({ name }) => name === 'v')?.live !== undefined);
});

test('a name that another server has just given is not given again', async () => {
  const pair = await Pair.start(2);
  const { a, b, world } = pair;
  const [one, other] = world.hosts.map(({ name }) => name);
  pair.holdNewsUp();
  const first = dedicatedVm('v', 1, { host: one ?? '' });
  const late = await pair.late('create', async () => b.services.vms.createVm(first, false, OWNER));
  const second = dedicatedVm('v', 1, { host: other ?? '' });
  await pair.end(a, a.services.vms.createVm(second, false, OWNER));
  const create = await pair.end(b, late());
  assert.ok(failedWith(create, 'BERTH_EXISTS'));
  await assert.rejects(pair.until(b.services.vms.createVm(first, false, OWNER)), (error) =>
    isBerthError(error, 'BERTH_EXISTS'),
  );
  await pair.end(a, a.services.vms.removeVm('v', false));
  const again = await pair.end(b, b.services.vms.createVm(first, false, OWNER));
  assert.equal(again.state, 'done');
});

test('a removal that comes too late leaves the disks of the next VM of that name', async () => {
  const pair = await Pair.start();
  const { a, b, host } = pair;
  const v = dedicatedVm('v', 1, { host: host.name, ...DISK });
  const { server = '' } = await pair.end(a, a.services.vms.createVm(v, false, OWNER));
  await pair.settle();
  const release = pair.cutOff(server, 'storageVolLookupByPath');
  const { id } = await pair.until(a.services.vms.removeVm('v', false));
  await pair.pass(9000); // another server has taken it for dead, and gone on
  assert.equal((await pair.ended(b, id)).state, 'done');
  const again = await pair.end(b, b.services.vms.createVm(v, false, OWNER));
  assert.equal(again.state, 'done');
  release();
  await pair.settle();
  assert.ok(host.pool.names.includes('v.root.qcow2'));
});

test('a volume is its VM’s alone, from before it has a domain', async () => {
  const pair = await Pair.start();
  const { a, b, host, world } = pair;
  const v = dedicatedVm('v', 1, { host: host.name, ...DISK });
  const { id } = await pair.until(b.services.vms.createVm(v, false, OWNER));
  pair.holdNewsUp();
  const mirror = a.fleet.host(host.name);
  const scene = { store: world.store, mirror, link: mirror.link, wait: mirror.wait() };
  const paths = ['/var/lib/libvirt/images/v.root.qcow2'];
  const former = { name: 'v', uuid: 'of a VM that is no more' };
  const isMade = ({ steps, done }: OperationRecord): boolean =>
    steps.slice(0, done).includes('make the disks');
  const { done } = await pair.reached(b, id, isMade);
  await pair.until(deleteOwnPaths(scene, former, paths));
  const { vmUuid } = await pair.ended(b, id);
  await pair.until(deleteOwnPaths(scene, former, paths));
  assert.ok(host.pool.names.includes('v.root.qcow2'));
  assert.equal(done, 3, 'it had no domain the first time');
  await pair.until(deleteOwnPaths(scene, { name: 'v', uuid: vmUuid }, paths));
  assert.ok(!host.pool.names.includes('v.root.qcow2'));
});

test('an operation on a host that a server has not heard of yet is gone on with', async () => {
  const pair = await Pair.begin();
  const { a, b, host } = pair;
  await pair.until(b.start());
  await pair.until(a.services.hosts.addHost({ name: host.name, uri: host.uri }));
  const v = dedicatedVm('v', 1, { host: host.name, ...DISK });
  const { id } = await pair.until(a.services.vms.createVm(v, true, OWNER));
  await pair.reached(a, id, ({ done }) => done >= 3);
  a.kill('here');
  assert.equal((await pair.ended(b, id)).state, 'done');
});

test('where libvirt does not tell of every domain, nothing is placed by what it tells', async () => {
  const pair = await Pair.start();
  const { a, b, world, most, host } = pair;
  await pair.settle();
  pair.holdNewsUp();
  const w = dedicatedVm('w', most, { host: host.name });
  await pair.end(a, a.services.vms.createVm(w, false, OWNER));
  const tellAgain = pair.refuse('domainGetXmlDesc');
  const v = dedicatedVm('v', most + 1, { host: host.name });
  const untold = await pair.end(b, b.services.vms.createVm(v, false, OWNER));
  tellAgain();
  const told = await pair.end(b, b.services.vms.createVm(v, false, OWNER));
  assert.deepEqual([untold.state, told.state], ['undone', 'undone']);
  assert.ok(isBerthError(errorOf(untold.error), 'BERTH_LIBVIRT_REFUSED'));
  assert.ok(isBerthError(errorOf(told.error), 'BERTH_REFUSED'));
  assert.deepEqual(await bookProblems(world), []);
});

test('two servers that add one host at once under two names leave it with one', async () => {
  const pair = await Pair.begin();
  const { a, b, host, world } = pair;
  await pair.until(b.start());
  const { uri } = host;
  const [one, other] = await pair.until(
    Promise.allSettled([
      a.services.hosts.addHost({ name: 'one', uri }),
      b.services.hosts.addHost({ name: 'other', uri }),
    ]),
  );
  const lost = [one, other].find((result) => result?.status === 'rejected');
  assert.ok(lost?.status === 'rejected' && isBerthError(lost.reason, 'BERTH_EXISTS'));
  assert.equal((await world.store.hosts.list()).length, 1);
});

test('a creation that cannot take its domain back leaves that its disks', async () => {
  const pair = await Pair.start();
  const { a, host } = pair;
  const v = dedicatedVm('v', 1, { host: host.name, ...DISK });
  pair.refuse('domainUndefineFlags');
  pair.refuse('domainCreateWithFlags');
  const create = await pair.end(a, a.services.vms.createVm(v, true, OWNER));
  assert.equal(create.state, 'failed');
  assert.ok(host.pool.names.includes('v.root.qcow2'));
});
