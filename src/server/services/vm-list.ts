import type { Page } from '../../api/paging.ts';
import type { VmSummary } from '../../api/resources.ts';
import type { VmQuery } from '../../api/vm-query.ts';
import type { VmSort } from '../../api/vm-sort.ts';
import { matchesLabels } from '../../model/label-selector.ts';
import { cursorAfter, placeOf } from './cursor.ts';
import type { SortKey } from './cursor.ts';
import { nameFilter } from './name-filter.ts';

type SortValue = string | number;

/** By what each sort goes before it goes by name and host, which no two domains share. */
const VALUE: Readonly<Record<Exclude<VmSort, 'name'>, (vm: VmSummary) => SortValue>> = {
  host: (vm) => vm.host,
  state: (vm) => vm.state,
  vcpus: (vm) => vm.vcpus,
  memory: (vm) => vm.memoryBytes,
};

/** What stands in a list for a VM, which is looked at only when its turn comes. */
export interface Listed {
  readonly vm: VmSummary;
}

/** Where a page begins: behind a VM that may be there no more. */
interface Place {
  readonly value: SortValue;
  readonly name: string;
  readonly host: string;
}

/**
 * The page of a list of VMs. A page holds those that come after the cursor as they are now: a VM that
 * is there all the while is listed exactly once, whatever comes and goes between two pages.
 * @param vms by name and host, ascending.
 * @param sees whether whoever asks may know of a VM.
 * @throws BERTH_SPEC_INVALID for a cursor of another list.
 */
export function vmPage(
  vms: readonly Listed[],
  query: VmQuery,
  sees: (vm: VmSummary) => boolean = () => true,
): Page<VmSummary> {
  const { sort, limit } = query;
  const after = placeIn(query);
  const isAsked = vmFilter(query);
  const wants = (vm: VmSummary): boolean => isAsked(vm) && sees(vm);
  // One more than the page has: whether there is a next one.
  const items =
    sort === 'name'
      ? firstByName(vms, after, wants, limit + 1)
      : firstByValue(vms, after, wants, limit + 1, VALUE[sort]);
  if (items.length <= limit) return { items };
  items.length = limit;
  const last = items.at(-1);
  return last === undefined ? { items } : { items, next: cursorAfter(sort, keyOf(sort, last)) };
}

/** Whether one VM comes before another in a list by name. */
export function comesFirst(
  one: Pick<VmSummary, 'name' | 'host'>,
  other: Pick<VmSummary, 'name' | 'host'>,
): boolean {
  return one.name === other.name ? one.host < other.host : one.name < other.name;
}

/** They stand in that order already: only what is on the page is looked at, and what is left out. */
function firstByName(
  vms: readonly Listed[],
  after: Place | undefined,
  wants: VmFilter,
  count: number,
): VmSummary[] {
  const found: VmSummary[] = [];
  const begin = after === undefined ? 0 : countBefore(vms, after);
  for (let place = begin; place < vms.length && found.length < count; place++) {
    const vm = vms[place]?.vm;
    if (vm !== undefined && wants(vm)) found.push(vm);
  }
  return found;
}

/** Each VM is laid with those of the same value, where they stay in order of name. */
function firstByValue(
  vms: readonly Listed[],
  after: Place | undefined,
  wants: VmFilter,
  count: number,
  valueOf: (vm: VmSummary) => SortValue,
): VmSummary[] {
  const byValue = new Map<SortValue, VmSummary[]>();
  for (const { vm } of vms) {
    const value = valueOf(vm);
    if (after !== undefined && isUpTo(after, value, vm)) continue;
    if (!wants(vm)) continue;
    const alike = byValue.get(value);
    if (alike === undefined) byValue.set(value, [vm]);
    else if (alike.length < count) alike.push(vm);
  }
  const found: VmSummary[] = [];
  const inOrder = [...byValue].toSorted(([one], [other]) => (one < other ? -1 : 1));
  for (const [, alike] of inOrder) {
    found.push(...alike.slice(0, count - found.length));
    if (found.length === count) break;
  }
  return found;
}

/** How many of them stand before the place or at it. */
function countBefore(vms: readonly Listed[], place: Place): number {
  let low = 0;
  let high = vms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const vm = vms[middle]?.vm;
    if (vm !== undefined && !comesFirst(place, vm)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a VM has had its turn when a list has come to that place. */
function isUpTo(place: Place, value: SortValue, vm: VmSummary): boolean {
  return value === place.value ? !comesFirst(place, vm) : value < place.value;
}

type VmFilter = (vm: VmSummary) => boolean;

/** Whether a VM is one of those asked for. */
function vmFilter(
  query: Pick<VmQuery, 'labels' | 'host' | 'state' | 'managed' | 'name'>,
): VmFilter {
  const { labels = [], host, state, managed } = query;
  const isNamed = nameFilter(query.name);
  return (vm) =>
    (host === undefined || vm.host === host) &&
    (state === undefined || vm.state === state) &&
    (managed === undefined || vm.managed === managed) &&
    isNamed(vm.name) &&
    matchesLabels(labels, vm.labels);
}

function keyOf(sort: VmSort, vm: VmSummary): SortKey {
  return [sort === 'name' ? '' : VALUE[sort](vm), vm.name, vm.host];
}

function placeIn({ sort, cursor }: VmQuery): Place | undefined {
  const like: SortKey = [sort === 'vcpus' || sort === 'memory' ? 0 : '', '', ''];
  const [value, name, host] = placeOf(cursor, sort, like) ?? [];
  return value === undefined ? undefined : { value, name: String(name), host: String(host) };
}
