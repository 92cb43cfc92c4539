import { formatSize } from '../base/units.ts';
import type { HostView } from '../api/resources.ts';
import { blockOf, DOUBLE, frame, frameColumns, stack } from './block.ts';
import type { Block } from './block.ts';
import { grid } from './block-grid.ts';
import type { Look } from './look.ts';
import { counted } from './machine-figures.ts';
import { groupName } from './map-cores.ts';
import type { CpuGroup } from './map-cores.ts';
import { drawCores, drawLooseCpus, labelledBlock } from './map-cpus.ts';
import { boxStyle, groupBoxes, packageBoxes } from './machine-boxes.ts';
import { mapInk } from './map-ink.ts';
import { legendLines } from './map-legend.ts';
import { memoryLines, pciLines, poolLine, wrapWords } from './map-memory.ts';
import { ownersOf } from './map-owners.ts';
import type { MapPen } from './map-pen.ts';
import { printable } from './printable.ts';

type CellView = HostView['topology']['cells'][number];

/** Machines with more pCPUs are drawn without a box around every core. */
export const BOXED_CPUS_MAX = 64;
/** No wider than this: longer lines are hard to follow with the eye. */
const COLUMNS_MAX = 160;

/**
 * The map of a host in the spirit of lstopo: boxes for host, package, cell, L3 group and core, and
 * in them one small field per pCPU in the colour and with the letter of the VM that owns it. Levels
 * with a single child share a box. Fits `look.columns`; ends with a legend and a line break.
 */
export function renderMap(view: HostView, look: Look): string {
  const host = printable(view);
  const pen = penOf(host, look);
  const columns = Math.min(look.columns, COLUMNS_MAX);
  const machine = drawHost(host, pen, columns);
  return [...machine.lines, ...legendLines(host, pen, columns)]
    .map((line) => line.trimEnd())
    .concat('')
    .join('\n');
}

function penOf(host: HostView, look: Look): MapPen {
  const { cells, offlineCpus } = host.topology;
  const ids = [...cells.flatMap((cell) => cell.cpus.map(({ id }) => id)), ...offlineCpus];
  return {
    unicode: look.unicode,
    ink: mapInk(look),
    owners: ownersOf(host),
    idWidth: `${Math.max(0, ...ids)}`.length,
    boxed: ids.length <= BOXED_CPUS_MAX,
    soleCell: cells.length === 1,
  };
}

function drawHost(host: HostView, pen: MapPen, columns: number): Block {
  const inner = columns - frameColumns(1);
  const facts = wrapWords(hostFacts(host), inner, pen.unicode ? ' · ' : ', ');
  const offline = host.topology.offlineCpus.map((id) => ({ id, online: false }));
  const boxes = packageBoxes(host.topology.cells, pen, {
    content: (cell, groups, width) => cellContent(cell, groups, pen, width),
    nameCaches: true,
  });
  const parts = [
    blockOf(facts.map(pen.ink.faint)),
    grid(boxes, { width: inner, gap: 1 }),
    ...(offline.length === 0 ? [] : [drawLooseCpus('offline', offline, pen, inner)]),
    blockOf(pciLines(host.topology.pciAnywhere, pen, inner, 'pci, cell unknown')),
  ];
  return frame(stack(parts), {
    ...boxStyle(pen, DOUBLE, `host ${host.name}`),
    maxWidth: columns,
  });
}

function hostFacts(host: HostView): readonly string[] {
  const { cells, arch, offlineCpus } = host.topology;
  const cpus = cells.flatMap((cell) => cell.cpus);
  const bytes = cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
  const packages = new Set(cpus.map(({ socket }) => socket)).size;
  return [
    host.uri,
    arch,
    counted(packages, 'package'),
    counted(cells.length, 'cell'),
    counted(cpus.length + offlineCpus.length, 'pCPU'),
    formatSize(bytes),
    host.domainTypes.includes('kvm') ? 'kvm' : 'emulation only',
  ];
}

/** What stands in the box of a cell: its memory, pools and devices, and every pCPU. */
function cellContent(
  cell: CellView,
  groups: readonly CpuGroup[],
  pen: MapPen,
  inner: number,
): Block {
  const offline = cell.cpus.filter((cpu) => !cpu.online);
  return stack([
    blockOf(memoryLines(cell, pen, inner)),
    blockOf(poolLine(cell.pages, pen, inner)),
    blockOf(pciLines(cell.pci, pen, inner, 'pci')),
    drawGroups(groups, pen, inner),
    ...(offline.length === 0 ? [] : [drawLooseCpus('offline', offline, pen, inner)]),
  ]);
}

/** The cores of each L3 group in a box or rows of their own; a cell with one group needs neither. */
function drawGroups(groups: readonly CpuGroup[], pen: MapPen, width: number): Block {
  const [only] = groups;
  if (groups.length === 1 && only !== undefined) return drawCores(only.cores, pen, width);
  if (!pen.boxed) return stack(groupRows(groups, pen, width));
  const boxes = groupBoxes(groups, pen, (group, inner) => drawCores(group.cores, pen, inner));
  return grid(boxes, { width, gap: 1 });
}

function groupRows(groups: readonly CpuGroup[], pen: MapPen, width: number): readonly Block[] {
  const labels = groups.map((group) => groupName(group, pen));
  const columns = Math.max(0, ...labels.map((label) => label.length)) + 2;
  return groups.map((group, index) => {
    const cores = drawCores(group.cores, pen, width - columns);
    return labelledBlock((labels[index] ?? '').padEnd(columns), cores, pen);
  });
}
