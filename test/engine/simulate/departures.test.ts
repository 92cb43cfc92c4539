import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Departures } from '../../../src/engine/simulate/departures.ts';

test('guests leave by their time, and those of one time by their row', () => {
  const leavers = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 });
  fc.assert(
    fc.property(leavers, fc.integer({ min: 0, max: 9 }), (times, now) => {
      const departures = new Departures<{ until: number; row: number }>();
      const all = times.map((until, row) => ({ until, row }));
      for (const leaver of all) departures.add(leaver);
      const left = [];
      for (let one = departures.next(now); one !== undefined; one = departures.next(now)) {
        left.push(one);
      }
      const due = all.filter(({ until }) => until <= now);
      assert.deepEqual(
        left,
        due.toSorted((a, b) => a.until - b.until || a.row - b.row),
      );
    }),
  );
});
