import { matchesGlob } from '../../base/glob.ts';
import { firstOf } from '../../base/first-of.ts';
import type { Page } from '../../api/paging.ts';
import type { VmSummary } from '../../api/resources.ts';
import type { VmQuery } from '../../api/vm-query.ts';
import type { VmSort } from '../../api/vm-sort.ts';
import { matchesLabels } from '../../model/label-selector.ts';
import { comesBefore, cursorAfter, placeOf } from './cursor.ts';
import type { SortKey } from './cursor.ts';

type SortValue = string | number;

/** By what each sort goes; then by name and host, which no two domains share. */
const VALUE: Readonly<Record<VmSort, (vm: VmSummary) => SortValue>> = {
  name: () => '',
  host: (vm) => vm.host,
  state: (vm) => vm.state,
  vcpus: (vm) => vm.vcpus,
  memory: (vm) => vm.memoryBytes,
};

/** A VM in a list, with its place there. */
interface Row {
  readonly vm: VmSummary;
  readonly value: SortValue;
}

/**
 * The page of a list of VMs. A page holds those that come after the cursor as they are now: a VM that
 * is there all the while is listed exactly once, whatever comes and goes between two pages.
 * @throws BERTH_SPEC_INVALID for a cursor of another list.
 */
export function vmPage(vms: Iterable<VmSummary>, query: VmQuery): Page<VmSummary> {
  const { sort, limit } = query;
  const like: SortKey = [sort === 'vcpus' || sort === 'memory' ? 0 : '', '', ''];
  const after = placeOf(query.cursor, sort, like);
  const isAsked = vmFilter(query);
  const value = VALUE[sort];
  const rows = function* (): Generator<Row> {
    for (const vm of vms) {
      if (!isAsked(vm)) continue;
      const row = { vm, value: value(vm) };
      if (after === undefined || comesBefore(after, keyOf(row))) yield row;
    }
  };
  const found = firstOf(rows(), limit + 1, rowComesFirst);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const next =
    found.length > limit && last !== undefined ? cursorAfter(sort, keyOf(last)) : undefined;
  return { items: items.map(({ vm }) => vm), ...(next === undefined ? {} : { next }) };
}

/** Whether a VM is one of those asked for. */
export function vmFilter(
  query: Pick<VmQuery, 'labels' | 'host' | 'state' | 'managed' | 'name'>,
): (vm: VmSummary) => boolean {
  const { labels = [], host, state, managed } = query;
  const isNamed = nameFilter(query.name);
  return (vm) =>
    (host === undefined || vm.host === host) &&
    (state === undefined || vm.state === state) &&
    (managed === undefined || vm.managed === managed) &&
    isNamed(vm.name) &&
    matchesLabels(labels, vm.labels);
}

function nameFilter(name: string | undefined): (name: string) => boolean {
  if (name === undefined) return () => true;
  if (!/[*?]/.test(name)) return (each) => each.includes(name);
  return (each) => matchesGlob(name, each);
}

function keyOf({ value, vm }: Row): SortKey {
  return [value, vm.name, vm.host];
}

function rowComesFirst(one: Row, other: Row): boolean {
  if (one.value !== other.value) return one.value < other.value;
  if (one.vm.name !== other.vm.name) return one.vm.name < other.vm.name;
  return one.vm.host < other.vm.host;
}
