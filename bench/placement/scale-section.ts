import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchTable, TableOptions } from '../table.ts';
import type { Pools } from './made-fleet.ts';
import type { Scale } from './scale.ts';
import { FIRST } from './scale.ts';

const run = promisify(execFile);

/** How large the fleets are, and how much memory Node may have for what they are made of. */
const SIZES = [
  { hosts: 1_000, heapMiB: 1_024 },
  { hosts: 10_000, heapMiB: 2_048 },
  { hosts: 100_000, heapMiB: 6_144 },
] as const;

const DECISIONS = 20_000;
const QUICK_DECISIONS = 3_000;

/** Speed and memory of fleets of catalogue machines; each in a process of its own. */
export async function* scaleTables({ isQuick, tell }: TableOptions): AsyncGenerator<BenchTable> {
  const sizes = isQuick ? SIZES.slice(0, 1) : SIZES;
  const decisions = isQuick ? QUICK_DECISIONS : DECISIONS;
  const rows: (readonly [string, Scale])[] = [];
  for (const pools of ['one pool', 'set apart'] as const) {
    for (const { hosts, heapMiB } of sizes) {
      tell(`scale: ${hosts} hosts, ${pools}`);
      rows.push([pools, await measured({ hosts, decisions, pools, heapMiB })]);
    }
  }
  yield {
    section: 'scale',
    title: 'Decisions on fleets of catalogue machines, 70 % full',
    columns: [
      'floating vCPUs',
      'hosts',
      'VMs',
      'decisions per s',
      'CPU µs each',
      'p50 µs',
      'p99 µs',
      'refused',
      `first ${FIRST}, ms`,
      'open, ms',
      'RSS, MiB',
      'live heap, MiB',
    ],
    rows: rows.map(([pools, scale]) => [
      pools,
      scale.hosts,
      scale.vms,
      scale.perSecond,
      scale.cpuUs,
      scale.p50us,
      scale.p99us,
      scale.refused,
      scale.firstMs,
      scale.openMs,
      scale.rssMiB,
      scale.heapMiB,
    ]),
    notes: [
      `${decisions.toLocaleString('en')} decisions on pinned and shared guests of one and two cells (bench/placement/made-fleet.ts has hosts and guests). One counts with all that follows: the VM is entered, and an earlier one goes. CPU time is that of all threads, garbage collection among them; p50 and p99 are of finding, writing down and entering.`,
      `Before them ${FIRST} decisions rank the hosts for each kind; "one pool": floating vCPUs run wherever no dedicated one does, "set apart": on a quarter of each cell's cores.`,
      `Node's --max-old-space-size was ${sizes.map(({ heapMiB }) => heapMiB.toLocaleString('en')).join(', ')} MiB. RSS is that of the whole process at the end, with garbage that was not collected yet; the live heap is what is left once it is, typed arrays included.`,
    ],
  };
}

async function measured(what: {
  readonly hosts: number;
  readonly decisions: number;
  readonly pools: Pools;
  readonly heapMiB: number;
}): Promise<Scale> {
  const script = fileURLToPath(new URL('scale-child.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [
    `--max-old-space-size=${what.heapMiB}`,
    '--expose-gc',
    script,
    `${what.hosts}`,
    `${what.decisions}`,
    what.pools,
  ]);
  return JSON.parse(stdout) as Scale;
}
