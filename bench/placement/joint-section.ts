import * as fc from 'fast-check';
import { present } from '../../src/base/assert.ts';
import { Fleet } from '../../src/engine/fleet/fleet.ts';
import { placeGroup } from '../../src/engine/group/place-group.ts';
import { policyNamed } from '../../src/engine/policy/policy.ts';
import { allFit, mostVcpus } from '../../test/engine/group/joint-model.ts';
import { oneByOne } from '../../test/engine/group/one-by-one.ts';
import type { GroupWorld } from '../../test/engine/group/small-groups.ts';
import { crowd, looseGroup, tightGroup } from '../../test/engine/group/small-groups.ts';
import type { BenchTable, TableOptions } from '../table.ts';
import { RIVALS } from './workloads-section.ts';

const GROUPS = { each: 300, quick: 15 };
const CROWDS = { each: 10, quick: 2 };

/** Small groups and fleets beside the optimum that HiGHS finds. */
export async function* jointTables({ isQuick, tell }: TableOptions): AsyncGenerator<BenchTable> {
  const size = isQuick ? 'quick' : 'each';
  const numRuns = GROUPS[size];
  tell('joint: groups');
  const tight = fc.sample(tightGroup, { seed: 1, numRuns });
  const loose = fc.sample(looseGroup, { seed: 2, numRuns });
  const groups = groupRows([...tight, ...loose]);
  tell('joint: VMs as they come');
  const crowds = fc.sample(crowd, { seed: 3, numRuns: CROWDS[size] });
  yield {
    section: 'joint',
    title: 'Small groups and fleets beside the optimum',
    columns: ['what', 'Berth', 'optimum (HiGHS)', 'gap, %'],
    rows: [...groups.rows, ...crowdRows(crowds)],
    notes: [
      `Groups of up to twelve dedicated VMs on fleets of two to six hosts, nearly full and 70 % full. ${groups.proven} of those that do not fit were proven to fit nowhere; a group took ${groups.meanMs.toFixed(1)} ms in the mean.`,
      'The optimum of the last rows knows all VMs before it places the first, and may refuse a large one for the sake of small ones; Berth does neither.',
    ],
  };
}

function groupRows(worlds: readonly GroupWorld[]): {
  readonly rows: BenchTable['rows'];
  readonly proven: number;
  readonly meanMs: number;
} {
  const from = performance.now();
  const results = worlds.map(({ hosts, requests }) => placeGroup(new Fleet(hosts), requests));
  const meanMs = (performance.now() - from) / worlds.length;
  const best = countOf(worlds, ({ hosts, requests }) => allFit(hosts, requests));
  const inTurn = countOf(worlds, (world) => oneByOne(world).every((vcpus) => vcpus > 0));
  const jointly = countOf(results, ({ ok }) => ok);
  return {
    rows: [
      gapRow(`groups placed jointly, of ${worlds.length}`, jointly, best),
      gapRow('the same groups, VM by VM in their order', inTurn, best),
    ],
    proven: countOf(results, (result) => !result.ok && result.proven),
    meanMs,
  };
}

function crowdRows(worlds: readonly GroupWorld[]): BenchTable['rows'] {
  const best = sumOf(worlds.map(({ hosts, requests }) => mostVcpus(hosts, requests)));
  return RIVALS.map((rival) => {
    const policy = present(policyNamed(rival), rival);
    const placed = sumOf(worlds.flatMap((world) => oneByOne(world, policy)));
    return gapRow(`vCPUs of VMs as they come, ${rival}, ${worlds.length} fleets`, placed, best);
  });
}

function gapRow(what: string, berth: number, best: number): BenchTable['rows'][number] {
  return [what, berth, best, 100 * (1 - berth / best)];
}

function countOf<T>(all: readonly T[], holds: (one: T) => boolean): number {
  return all.filter(holds).length;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
