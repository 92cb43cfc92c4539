import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { planHypervisor, type HypervisorFacts } from '../../src/local/hypervisor.ts';

const KVM = { accel: 'kvm', hideKvm: false, reason: 'KVM' } as const;
const BROKEN_KVM = { accel: 'tcg', hideKvm: true, reason: 'emulation' } as const;
const NO_KVM = { accel: 'tcg', hideKvm: false, reason: 'emulation' } as const;

const plan = (facts: Partial<HypervisorFacts>) =>
  planHypervisor({
    uid: 0,
    system: { state: 'answers' },
    choice: KVM,
    wanted: undefined,
    settled: undefined,
    ...facts,
  });

test('the machine’s own libvirt is used where it answers, whoever asks', () => {
  assert.equal(plan({}).kind, 'system');
  assert.equal(plan({ uid: 1000 }).kind, 'system');
  assert.equal(plan({ choice: NO_KVM }).kind, 'system');
  assert.equal(plan({ wanted: 'kvm' }).kind, 'system');
});

test('without one, root gets namespaces and an ordinary user a session', () => {
  for (const system of [{ state: 'absent' }, { state: 'unusable', reason: 'no' }] as const) {
    assert.equal(plan({ system }).kind, 'namespace');
    assert.equal(plan({ system, uid: 1000 }).kind, 'session');
  }
});

test('a libvirt that would try a /dev/kvm which cannot run guests is left alone', () => {
  const { kind, hideKvm, reason } = plan({ choice: BROKEN_KVM });
  assert.deepEqual([kind, hideKvm], ['namespace', true]);
  assert.match(reason, /\/dev\/kvm/);
});

test('emulation that was asked for takes a private one', () => {
  assert.equal(plan({ wanted: 'tcg', choice: BROKEN_KVM }).kind, 'namespace');
  assert.equal(plan({ wanted: 'tcg', choice: NO_KVM, uid: 1000 }).kind, 'session');
});

test('what an earlier up settled stays, whatever has appeared since', () => {
  assert.equal(plan({ settled: 'namespace' }).kind, 'namespace');
  assert.equal(plan({ settled: 'system', choice: BROKEN_KVM }).kind, 'system');
  assert.equal(plan({ settled: 'system', system: { state: 'absent' } }).kind, 'system');
});

test('emulation cannot be forced on guests that live on the machine’s own libvirt', () => {
  assert.throws(
    () => plan({ settled: 'system', wanted: 'tcg' }),
    (error) => isBerthError(error, 'BERTH_CONFLICT') && /--purge/.test(error.hint),
  );
});
