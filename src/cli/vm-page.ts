import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { HostView, PlacementView, VmView } from '../api/resources.ts';
import { blockOf, flow } from './block.ts';
import { changeLines, driftLines } from './change-lines.ts';
import { checkedText } from './checked-text.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { mapInk } from './map-ink.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { stateText } from './vm-table.ts';

type Painter = ReturnType<typeof painter>;

/** The text of `vm show`; the host is left out when it does not answer. */
export function vmPage(view: VmView, host: HostView | undefined, look: Look): string {
  const vm = printable(view);
  const c = painter(look);
  const sections = [
    headLines(vm, look, c),
    vm.placement === undefined ? [] : seatLines(vm.placement, host, look),
    vcpuLines(vm, c),
    vm.placement === undefined ? [] : memoryLines(vm.placement, c),
    verifiedLines(vm.verified, c),
    declaredLines(vm, c),
    beyondLines(vm, c),
    vm.placement === undefined ? [] : reasonLines(vm.placement.reasons, c),
  ];
  const shown = sections.filter((section) => section.length > 0);
  return `${shown.map((section) => section.join('\n')).join('\n\n')}\n`;
}

function headLines(vm: VmView, look: Look, c: Painter): readonly string[] {
  const labels = Object.entries(vm.labels).map(([key, value]) => `${key}=${value}`);
  const policy = vm.policy === undefined ? '' : `, ${vm.policy}`;
  const facts = [
    ['uuid', vm.uuid],
    ['cpu', `${vm.vcpus} vCPU${vm.vcpus === 1 ? '' : 's'}${policy}, by ${vm.accelerator}`],
    ['memory', formatSize(vm.memoryBytes)],
    ...(labels.length === 0 ? [] : [['labels', labels.join(' ')]]),
    ...managedText(vm),
  ];
  return [
    `${c.bold(vm.name)}  ${stateText(vm.state, look)} on ${vm.host}`,
    ...facts.map(([name = '', value = '']) => `  ${c.dim(name.padEnd(8))}${value}`),
  ];
}

function managedText({ name, managed, adopted }: VmView): readonly string[][] {
  if (adopted === true) return [['managed', 'yes: it was there before, and stays as it is']];
  return managed
    ? []
    : [['managed', `no: it was there before; take it in with: berth vm adopt ${name}`]];
}

/** What the guest gets at its next start, and what is not as it should be, but for what is verified. */
function declaredLines(
  { pending = [], drift = [], verified }: VmView,
  c: Painter,
): readonly string[] {
  const seen = new Set(verified?.differences.map(({ what }) => what));
  const rest = drift.filter(({ what }) => !seen.has(what));
  const waiting =
    pending.length === 0 ? [] : [c.bold('at its next start'), ...changeLines(pending, c)];
  return [...waiting, ...driftLines(rest, c)];
}

/** What was understood of a domain that Berth did not make, and what no document says. */
function beyondLines({ beyondSpec = [] }: VmView, c: Painter): readonly string[] {
  if (beyondSpec.length === 0) return [];
  return [c.bold('what no document says of it'), ...beyondSpec.map((what) => `  - ${what}`)];
}

/** One line per cell with its pCPUs: `[n]` runs vCPUs of the VM, `(n)` only QEMU's own threads. */
export function seatLines(
  placement: PlacementView,
  view: HostView | undefined,
  look: Look,
): readonly string[] {
  const c = painter(look);
  const host = view === undefined ? undefined : printable(view);
  const title = c.bold('where it sits');
  if (host === undefined) return [title, ...placement.cells.map((cell) => `  cell ${cell}`)];
  const own = new Set(placement.vcpus.flatMap((seat) => seat.pcpus));
  const emulator = new Set(placement.emulator);
  const ink = mapInk(look);
  const field = (id: number): string => {
    if (own.has(id)) return ink.vm(0)(`[${id}]`);
    if (emulator.has(id)) return ink.sharedBy(0)(`(${id})`);
    return c.dim(` ${id} `);
  };
  const used = host.topology.cells.filter(
    (cell) => placement.cells.includes(cell.id) || cell.cpus.some(({ id }) => own.has(id)),
  );
  return [
    title,
    ...used.flatMap((cell) => {
      const label = `  cell ${cell.id}  `;
      const cpus = cell.cpus.filter((cpu) => cpu.online).map((cpu) => blockOf([field(cpu.id)]));
      const row = flow(cpus, look.columns - label.length, 0);
      return row.lines.map(
        (line, index) => (index === 0 ? label : ' '.repeat(label.length)) + line.trimEnd(),
      );
    }),
  ];
}

/** What `virsh vcpuinfo` shows while the VM runs; else what the plan gives each vCPU. */
function vcpuLines(vm: VmView, c: Painter): readonly string[] {
  const planned = new Map(vm.placement?.vcpus.map((seat) => [seat.vcpu, seat.pcpus]));
  const planText = (vcpu: number): string => {
    const pcpus = planned.get(vcpu);
    return pcpus === undefined ? '-' : formatIntSet(pcpus);
  };
  if (vm.vcpuInfo.length === 0) {
    const rows = [...planned.keys()].map((vcpu) => [`${vcpu}`, planText(vcpu)]);
    if (rows.length === 0) return [];
    return tableLines([{ title: 'VCPU', align: 'right' }, { title: 'PLANNED' }], rows, c.dim);
  }
  const columns = [
    { title: 'VCPU', align: 'right' },
    { title: 'STATE' },
    { title: 'ON PCPU', align: 'right' },
    { title: 'CPU TIME', align: 'right' },
    { title: 'ALLOWED' },
    { title: 'PLANNED' },
  ] as const;
  const rows = vm.vcpuInfo.map((info) => [
    `${info.vcpu}`,
    info.state,
    info.state === 'offline' ? '-' : `${info.pcpu}`,
    `${(info.timeMs / 1000).toFixed(1)} s`,
    formatIntSet(info.allowed),
    planText(info.vcpu),
  ]);
  return tableLines(columns, rows, c.dim);
}

function memoryLines(placement: PlacementView, c: Painter): readonly string[] {
  const columns = [
    { title: 'MEMORY ON CELL' },
    { title: 'SIZE', align: 'right' },
    { title: 'PAGES' },
    { title: 'POLICY' },
  ] as const;
  const rows = placement.memory.map((share) => [
    share.cell === undefined ? 'any' : `${share.cell}`,
    formatSize(share.bytes),
    formatSize(share.pageKiB * 1024),
    placement.memoryMode ?? '-',
  ]);
  return tableLines(columns, rows, c.dim);
}

function verifiedLines(verified: VmView['verified'], c: Painter): readonly string[] {
  if (verified === undefined) return [];
  const checked = verified.checked.length === 0 ? '' : ` (${checkedText(verified.checked)})`;
  const unknown = (verified.unknown ?? []).map((what) => `${c.yellow('unknown')}: ${what}`);
  if (verified.ok) {
    return [`${c.green('verified')}: everything is as planned${checked}`, ...unknown];
  }
  const titles = ['DIFFERS', 'PLANNED', 'ACTUAL', 'SAYS'];
  const rows = verified.differences.map((difference) => [
    difference.what,
    difference.planned,
    difference.actual,
    difference.source === 'kernel' ? 'the kernel' : 'libvirt',
  ]);
  return [
    `${c.red('not as planned')}${checked}`,
    ...tableLines(
      titles.map((title) => ({ title })),
      rows,
      c.dim,
    ),
    ...unknown,
  ];
}

/** Why the placement is what it is. */
export function reasonLines(reasons: readonly string[], c: Painter): readonly string[] {
  return reasons.length === 0 ? [] : [c.bold('why there'), ...reasons.map((text) => `  - ${text}`)];
}
