import type { Chance } from './chance.ts';
import { IMAGE } from './simulated-pool.ts';

/** Few names for many VMs, so that they meet. */
const NAMES = ['vm1', 'vm2', 'vm3', 'vm4', 'vm5', 'vm6'];

export function drawName(chance: Chance): string {
  return chance.of(NAMES) ?? '';
}

/** The document of a VM of any shape. */
export function drawDocument(name: string, chance: Chance): unknown {
  const count = chance.between(1, 4);
  const isDedicated = chance.is(0.4);
  const isHuge = chance.is(0.2);
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name, labels: { app: chance.of(['a', 'b']) } },
    spec: {
      cpu: {
        count: 2 * Math.ceil(count / 2) === count ? count : 1,
        policy: isDedicated ? 'dedicated' : 'shared',
        ...(isDedicated ? { threads: chance.of(['prefer', 'isolate']) } : {}),
        ...(chance.is(0.2) ? { ioThreads: { count: 1 } } : {}),
      },
      memory: {
        size: `${256 * chance.between(1, 8)}MiB`,
        ...(isHuge ? { pages: '2MiB' } : {}),
      },
      ...(count % 2 === 0 && chance.is(0.3) ? { numa: { cells: 2 } } : {}),
      ...(chance.is(0.5) ? { disks: drawDisks(chance) } : {}),
      ...(chance.is(0.2) ? { placement: { antiAffinity: ['app=a'] } } : {}),
    },
  };
}

function drawDisks(chance: Chance): readonly unknown[] {
  const root = chance.is(0.5) ? { name: 'root', image: IMAGE } : { name: 'root', size: '1GiB' };
  return chance.is(0.3) ? [root, { name: 'data', size: '2GiB' }] : [root];
}
