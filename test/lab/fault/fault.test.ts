import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBerthError, type ErrorCode } from '../../../src/base/errors.ts';
import {
  CLOCK_SECONDS_MAX,
  DELAY_MS_MAX,
  FAULTS,
  faultText,
  parseFault,
  type Fault,
} from '../../../src/lab/fault/fault.ts';

const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'libvirtd-kill' },
    { kind: 'libvirtd-stop' },
    { kind: 'network-cut' },
    { kind: 'disk-full' },
    { kind: 'freeze' },
    { kind: 'crash' },
  ),
  fc.record({ kind: fc.constant('qemu-kill' as const), domain: fc.stringMatching(/^\S+$/) }),
  fc.record({
    kind: fc.constant('network-delay' as const),
    ms: fc.integer({ min: 1, max: DELAY_MS_MAX }),
  }),
  fc.record({
    kind: fc.constant('network-drop' as const),
    percent: fc.integer({ min: 1, max: 100 }),
  }),
  fc.record({
    kind: fc.constant('clock' as const),
    seconds: fc
      .integer({ min: -CLOCK_SECONDS_MAX, max: CLOCK_SECONDS_MAX })
      .filter((seconds) => seconds !== 0),
  }),
);

test('a fault reads as it is written', () => {
  fc.assert(
    fc.property(faults, (fault) => {
      assert.deepEqual(parseFault(faultText(fault).split(' ')), { ...fault });
    }),
  );
});

test('every kind is listed once, and can be typed as it is listed', () => {
  assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
  for (const { name, parameter, does } of FAULTS) {
    const fault = parseFault(parameter === undefined ? [name] : [name, '7']);
    assert.equal(fault.kind, name);
    assert.match(does, /^[a-z].*[^.]$/);
  }
});

const WRONG: readonly (readonly [words: string, code: ErrorCode, text: RegExp])[] = [
  ['', 'BERTH_NOT_FOUND', /no fault named ""/],
  ['network', 'BERTH_NOT_FOUND', /network/],
  ['toString', 'BERTH_NOT_FOUND', /toString/],
  ['crash now', 'BERTH_SPEC_INVALID', /too many words/],
  ['qemu-kill', 'BERTH_SPEC_INVALID', /too few words/],
  ['qemu-kill a b', 'BERTH_SPEC_INVALID', /too many words/],
  ['network-delay 0', 'BERTH_SPEC_INVALID', /"0"/],
  ['network-delay 1.5', 'BERTH_SPEC_INVALID', /"1.5"/],
  ['network-delay -5', 'BERTH_SPEC_INVALID', /"-5"/],
  ['network-delay 60001', 'BERTH_SPEC_INVALID', /"60001"/],
  ['network-drop 101', 'BERTH_SPEC_INVALID', /"101"/],
  ['network-drop ', 'BERTH_SPEC_INVALID', /""/],
  ['clock soon', 'BERTH_SPEC_INVALID', /"soon"/],
  ['clock ++1', 'BERTH_SPEC_INVALID', /"\+1"/],
  ['clock 0', 'BERTH_SPEC_INVALID', /would be right/],
  ['clock 9999999999', 'BERTH_SPEC_INVALID', /"9999999999"/],
];

for (const [words, code, text] of WRONG) {
  test(`"${words}" is refused`, () => {
    assert.throws(
      () => parseFault(words === '' ? [] : words.split(' ')),
      (error) => isBerthError(error, code) && text.test(error.message),
    );
  });
}
