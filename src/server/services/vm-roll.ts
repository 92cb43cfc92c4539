import type { VmSummary } from '../../api/resources.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetChange } from '../fleet/fleet-changes.ts';
import { vmSummaryOf } from './views.ts';
import { comesFirst } from './vm-list.ts';
import type { Listed } from './vm-list.ts';

/** A domain on the roll, as it stands now. */
interface Entry extends Listed {
  vm: VmSummary;
  isGone: boolean;
}

/**
 * Every VM and foreign domain of the fleet as lists show it, by name and host: kept up by what the
 * fleet tells, so that a page costs what is on it and not what there is. Whoever comes or goes is put
 * in place when somebody looks; whoever only changes keeps its place.
 */
export class VmRoll {
  /** By host, and there by UUID. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  #inOrder: readonly Entry[] = [];
  /** Those that have no place yet. */
  #fresh: Entry[] = [];
  #hasGone = false;

  /** Whatever the fleet has is on the roll, and whatever it will have. */
  constructor(fleet: Pick<Fleet, 'mirrors' | 'changes'>) {
    for (const mirror of fleet.mirrors) {
      for (const record of mirror.records) this.#enter(vmSummaryOf(record, mirror.name));
    }
    fleet.changes.listen((change) => this.#hear(change));
  }

  /** By name, and by host where several have one name. */
  get inOrder(): readonly Listed[] {
    if (this.#fresh.length > 0 || this.#hasGone) {
      const fresh = this.#fresh.toSorted((one, other) => (comesFirst(one.vm, other.vm) ? -1 : 1));
      this.#inOrder = [...merged(this.#inOrder, fresh)];
      this.#fresh = [];
      this.#hasGone = false;
    }
    return this.#inOrder;
  }

  #hear(change: FleetChange): void {
    if (change.kind !== 'vm') return;
    if (change.change === 'gone') this.#strike(change.host, change.record.uuid);
    else this.#enter(vmSummaryOf(change.record, change.host));
  }

  #enter(vm: VmSummary): void {
    const known = this.#entries.get(vm.host)?.get(vm.uuid);
    if (known?.vm.name === vm.name) {
      known.vm = vm;
      return;
    }
    if (known !== undefined) this.#strike(vm.host, vm.uuid);
    const entry = { vm, isGone: false };
    const there = this.#entries.get(vm.host) ?? new Map<string, Entry>();
    this.#entries.set(vm.host, there.set(vm.uuid, entry));
    this.#fresh.push(entry);
  }

  #strike(host: string, uuid: string): void {
    const there = this.#entries.get(host);
    const entry = there?.get(uuid);
    if (there === undefined || entry === undefined) return;
    entry.isGone = true;
    this.#hasGone = true;
    there.delete(uuid);
    if (there.size === 0) this.#entries.delete(host);
  }
}

/** Two rows in order made one, without those that are gone. */
function* merged(one: readonly Entry[], other: readonly Entry[]): Generator<Entry> {
  let next = 0;
  for (const entry of one) {
    for (let fresh = other[next]; fresh !== undefined; fresh = other[++next]) {
      if (!comesFirst(fresh.vm, entry.vm)) break;
      if (!fresh.isGone) yield fresh;
    }
    if (!entry.isGone) yield entry;
  }
  for (const fresh of other.slice(next)) if (!fresh.isGone) yield fresh;
}
