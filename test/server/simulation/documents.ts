import type { VmDocument } from '../../../src/api/vm-spec.ts';
import type { Chance } from './chance.ts';
import { IMAGE } from './simulated-pool.ts';

/** Few names for many VMs, so that they meet. */
const NAMES = ['vm1', 'vm2', 'vm3', 'vm4', 'vm5', 'vm6'];

export function drawName(chance: Chance): string {
  return chance.of(NAMES) ?? '';
}

/** The document of a VM of any shape. */
export function drawDocument(name: string, chance: Chance): VmDocument {
  const count = chance.between(1, 4);
  const isDedicated = chance.is(0.4);
  const isHuge = chance.is(0.2);
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name, labels: { app: chance.of(['a', 'b']) ?? 'a' } },
    spec: {
      cpu: {
        count: 2 * Math.ceil(count / 2) === count ? count : 1,
        policy: isDedicated ? 'dedicated' : 'shared',
        ...(isDedicated ? { threads: chance.of(['prefer', 'isolate'] as const) ?? 'prefer' } : {}),
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

/** A VM's document with some of it as it is not: what it takes, its labels, its disks. */
export function changedDocument(document: unknown, chance: Chance): VmDocument {
  // What a VM of Berth's says of itself was checked when it came.
  const { metadata, spec, ...rest } = document as VmDocument;
  const other = drawDocument(metadata.name, chance);
  const { disks, ...kept } = spec;
  const after = chance.is(0.3) ? changedDisks(disks ?? [], chance) : disks;
  const changed = {
    ...rest,
    metadata: chance.is(0.4) ? other.metadata : metadata,
    spec: {
      ...kept,
      ...(chance.is(0.5) ? { cpu: other.spec.cpu, numa: other.spec.numa } : {}),
      ...(chance.is(0.5) ? { memory: other.spec.memory } : {}),
      ...(chance.is(0.2) ? { placement: other.spec.placement } : {}),
      ...(after === undefined ? {} : { disks: after }),
    },
  };
  // As it would come over the wire: what is undefined is not there.
  return JSON.parse(JSON.stringify(changed)) as VmDocument;
}

/** One disk more, one less, or all larger. */
function changedDisks(disks: Disks, chance: Chance): Disks {
  if (chance.is(0.4)) return [...disks, { name: `more${chance.between(1, 2)}`, size: '1GiB' }];
  if (chance.is(0.5)) return disks.slice(0, -1);
  return disks.map((disk) => ({ ...disk, size: '4GiB' }));
}

type Disks = NonNullable<VmDocument['spec']['disks']>;

function drawDisks(chance: Chance): Disks {
  const root = chance.is(0.5) ? { name: 'root', image: IMAGE } : { name: 'root', size: '1GiB' };
  return chance.is(0.3) ? [root, { name: 'data', size: '2GiB' }] : [root];
}
