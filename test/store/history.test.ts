import assert from 'node:assert/strict';
import { onBothStores } from './both-stores.ts';

const STEP = 10_000;
/** Beyond what 32 bits hold, as every time of today is. */
const NOW = 1_790_000_000_000;

onBothStores(
  'blocks of history come back in their order, the last writing of each',
  async (open) => {
    await using store = await open();
    const block = (start: number, text: string) => ({
      series: 'host:h1',
      stepMs: STEP,
      start,
      block: text,
    });
    await store.history.put([]);
    await store.history.put([block(NOW + 600_000, 'later'), block(NOW, 'short')]);
    await store.history.put([block(NOW, 'grown'), { ...block(NOW, 'another'), series: 'vm:u' }]);
    const all = { from: NOW, to: NOW + 600_000 };
    assert.deepEqual(await store.history.read('host:h1', STEP, all), [
      block(NOW, 'grown'),
      block(NOW + 600_000, 'later'),
    ]);
    assert.deepEqual(await store.history.read('host:h1', 60_000, all), []);
    await store.history.forget(STEP, NOW + 1);
    assert.deepEqual(await store.history.read('host:h1', STEP, all), [
      block(NOW + 600_000, 'later'),
    ]);
    assert.deepEqual(await store.history.read('vm:u', STEP, all), []);
  },
);

onBothStores('the blocks of a thousand VMs are written in one go', async (open) => {
  await using store = await open();
  const blocks = Array.from({ length: 3000 }, (_, index) => ({
    series: `vm:${index}`,
    stepMs: STEP,
    start: NOW,
    block: 'AA==,AA==,AA==,AA==,AA==',
  }));
  await store.history.put(blocks);
  await store.history.put(blocks);
  const found = await store.history.read('vm:2999', STEP, { from: NOW, to: NOW });
  assert.equal(found.length, 1);
});
