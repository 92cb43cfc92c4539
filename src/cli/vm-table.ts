import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { VmSummary } from '../api/resources.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** The table of `vm ls`, and of the VMs of one host. */
export function vmTable(summaries: readonly VmSummary[], look: Look): readonly string[] {
  const vms = printable(summaries);
  const c = painter(look);
  if (vms.length === 0) return [c.dim('no VM to show; make one with: berth vm create')];
  const columns = [
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'HOST' },
    { title: 'VCPUS', align: 'right' },
    { title: 'POLICY' },
    { title: 'CELLS' },
    { title: 'MEMORY', align: 'right' },
  ] as const;
  const rows = vms.map((vm) => [
    vm.name,
    stateText(vm.state, look),
    vm.host,
    `${vm.vcpus}`,
    vm.managed ? (vm.policy ?? '-') : c.dim('watched'),
    vm.cells.length === 0 ? 'any' : formatIntSet(vm.cells),
    formatSize(vm.memoryBytes),
  ]);
  return tableLines(columns, rows, c.dim);
}

/** libvirt's word for the state, green while the guest runs and red when it crashed. */
export function stateText(state: VmSummary['state'], look: Look): string {
  const c = painter(look);
  if (state === 'running' || state === 'blocked') return c.green(state);
  return state === 'crashed' ? c.red(state) : state;
}
