import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventText } from '../../src/api/event-text.ts';

test('blocks are the same however the text is cut on the way', () => {
  const text =
    'retry: 2000\nid: a.0\n\n: beat\nid: a.1\n\nid: a.2\nevent: vm\ndata: {"x":1}\n\ndata: two\ndata: lines\n\n\n';
  const whole = new EventText().take(text);
  assert.deepEqual(whole, [
    { id: 'a.0' },
    { id: 'a.1' },
    { id: 'a.2', data: '{"x":1}' },
    { data: 'two\nlines' },
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const reader = new EventText();
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const parts = places.slice(1).map((end, index) => text.slice(places[index], end));
      assert.deepEqual(
        parts.flatMap((part) => reader.take(part)),
        whole,
      );
    }),
  );
});

test('a line without end is refused, and half a block is kept', () => {
  assert.throws(() => new EventText().take('x'.repeat(2 * 1024 * 1024)));
  const reader = new EventText();
  assert.deepEqual(reader.take('data: 1'), []);
  assert.deepEqual(reader.take('\n\n'), [{ data: '1' }]);
});
