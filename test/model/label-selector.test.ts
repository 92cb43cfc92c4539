import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { matchesLabels, parseLabelSelector } from '../../src/model/label-selector.ts';

test('every condition of a selector must hold, and a label that is not there has no value', () => {
  const cases: readonly (readonly [selector: string, matches: boolean])[] = [
    ['', true],
    ['app=db', true],
    ['app==db', true],
    ['app=web', false],
    ['app!=web', true],
    ['tier!=front', true],
    ['app', true],
    ['!app', false],
    ['!tier', true],
    ['app=db, !tier, zone!=b', true],
    ['app=db,zone=b', false],
    ['empty=', true],
    ['toString', false],
    ['note=a=b', true],
  ];
  const labels = { app: 'db', zone: 'a', empty: '', note: 'a=b' };
  for (const [text, matches] of cases) {
    assert.equal(matchesLabels(parseLabelSelector(text, 'labels'), labels), matches, text);
  }
});

test('what is no selector is refused with the part that is wrong', () => {
  const many = Array.from({ length: 65 }, (_, index) => `k${index}`).join(',');
  const wrong = [',', 'app=db,', '=db', '!app=db', '-x', 'a b', `app=${'x'.repeat(64)}`, many];
  for (const text of wrong) {
    assert.throws(
      () => parseLabelSelector(text, 'labels'),
      (error) => isBerthError(error, 'BERTH_SPEC_INVALID') && error.data.where === 'labels',
      text,
    );
  }
});
