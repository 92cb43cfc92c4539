import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  chooseAccelerator,
  readAcceleratorFacts,
  type Accelerator,
  type AcceleratorFacts,
} from '../../../src/lab/system/accelerator.ts';

const INTEL = 'processor\t: 0\nflags\t\t: fpu vme vmx sse2\nvmx flags\t: ept\n';
const AMD = 'flags\t\t: fpu svm sse2\n';
/** A guest without nested virtualization: the letters occur only inside other words. */
const GUEST = 'flags\t\t: fpu vmxnet hypervisor\nmodel name\t: svm of sorts\n';
const ARM = 'Features\t: fp asimd evtstrm\n';

type Outcome = readonly [accel: Accelerator, hideKvm: boolean] | 'refused';
interface Row {
  readonly arch?: string;
  readonly cpuinfo: string;
  readonly kvmNode: AcceleratorFacts['kvmNode'];
  readonly any: Outcome;
  readonly kvm: Outcome;
  readonly tcg: Outcome;
}

const TABLE: readonly Row[] = [
  {
    cpuinfo: INTEL,
    kvmNode: 'opens',
    any: ['kvm', false],
    kvm: ['kvm', false],
    tcg: ['tcg', false],
  },
  { cpuinfo: AMD, kvmNode: 'opens', any: ['kvm', false], kvm: ['kvm', false], tcg: ['tcg', false] },
  { cpuinfo: GUEST, kvmNode: 'opens', any: ['tcg', true], kvm: 'refused', tcg: ['tcg', true] },
  { cpuinfo: INTEL, kvmNode: 'refused', any: ['tcg', false], kvm: 'refused', tcg: ['tcg', false] },
  { cpuinfo: INTEL, kvmNode: 'missing', any: ['tcg', false], kvm: 'refused', tcg: ['tcg', false] },
  { cpuinfo: GUEST, kvmNode: 'missing', any: ['tcg', false], kvm: 'refused', tcg: ['tcg', false] },
  {
    arch: 'arm64',
    cpuinfo: ARM,
    kvmNode: 'opens',
    any: ['kvm', false],
    kvm: ['kvm', false],
    tcg: ['tcg', false],
  },
  {
    arch: 'arm64',
    cpuinfo: ARM,
    kvmNode: 'missing',
    any: ['tcg', false],
    kvm: 'refused',
    tcg: ['tcg', false],
  },
];

describe('the accelerator', () => {
  for (const { arch = 'x64', cpuinfo, kvmNode, any, kvm, tcg } of TABLE) {
    const flags = cpuinfo.split('\n').find((line) => /^(flags|Features)/.test(line));
    test(`${arch}, /dev/kvm ${kvmNode}, ${flags}`, () => {
      const facts = { arch, cpuinfo, kvmNode };
      assert.deepEqual(outcome(facts), any);
      assert.deepEqual(outcome(facts, 'kvm'), kvm);
      assert.deepEqual(outcome(facts, 'tcg'), tcg);
    });
  }

  test('says aloud why it emulates, and why KVM cannot be had', () => {
    const facts = { arch: 'x64', cpuinfo: GUEST, kvmNode: 'opens' } as const;
    assert.match(chooseAccelerator(facts).reason, /emulation.*neither vmx nor svm/);
    assert.throws(() => chooseAccelerator(facts, 'kvm'), /KVM is not possible here: .*neither vmx/);
    const barred = { arch: 'x64', cpuinfo: INTEL, kvmNode: 'refused' } as const;
    assert.match(chooseAccelerator(barred).reason, /group kvm/);
  });

  test('is chosen on this machine without a fault', async () => {
    const { accel } = chooseAccelerator(await readAcceleratorFacts());
    assert.ok(accel === 'kvm' || accel === 'tcg');
  });
});

function outcome(facts: AcceleratorFacts, wanted?: Accelerator): Outcome {
  try {
    const { accel, hideKvm } = chooseAccelerator(facts, wanted);
    return [accel, hideKvm];
  } catch (error) {
    assert.ok(isBerthError(error, 'BERTH_UNSUPPORTED'));
    return 'refused';
  }
}
