import { formatSize } from '../base/units.ts';
import type { HostView } from '../api/resources.ts';
import {
  ASCII,
  blockOf,
  DOUBLE,
  frame,
  frameColumns,
  HEAVY,
  ROUND,
  SQUARE,
  stack,
} from './block.ts';
import type { Block, FrameStyle, Strokes } from './block.ts';
import { grid } from './block-grid.ts';
import type { Drawable, Room } from './block-grid.ts';
import type { Look } from './look.ts';
import { groupName, groupsOf, socketsOf } from './map-cores.ts';
import type { CpuGroup } from './map-cores.ts';
import { drawCores, drawLooseCpus, labelledBlock } from './map-cpus.ts';
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
  const parts = [
    blockOf(facts.map(pen.ink.faint)),
    grid(packageBoxes(host, pen), { width: inner, gap: 1 }),
    ...(offline.length === 0 ? [] : [drawLooseCpus('offline', offline, pen, inner)]),
    blockOf(pciLines(host.topology.pciAnywhere, pen, inner, 'pci, cell unknown')),
  ];
  return frame(stack(parts), {
    ...box(pen, DOUBLE, `host ${host.name}`),
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

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * One box per package around its cells. A cell without CPUs, or one that spans several packages
 * (firmware without NUMA), stands beside the packages.
 */
function packageBoxes(host: HostView, pen: MapPen): readonly Drawable[] {
  const { cells } = host.topology;
  const packages = Map.groupBy(cells, (cell) => {
    const sockets = socketsOf(cell.cpus);
    return sockets.length === 1 ? `package ${sockets[0]}` : `cell ${cell.id}`;
  });
  return [...packages].map(([name, members]) => {
    const [only] = members;
    if (only === undefined || members.length > 1) return packageBox(name, members, pen);
    if (name.startsWith('cell')) return cellBox(only, pen, name);
    return cellBox(only, pen, `${name}${nested(pen)}cell ${only.id}`, HEAVY);
  });
}

function packageBox(name: string, cells: readonly CellView[], pen: MapPen): Drawable {
  return {
    draw: (room) => {
      const inner = room.width - frameColumns(1);
      const content = grid(
        cells.map((cell) => cellBox(cell, pen, `cell ${cell.id}`)),
        { width: inner, gap: 1 },
      );
      return frame(content, { ...box(pen, HEAVY, name), ...sized(room) });
    },
  };
}

function cellBox(cell: CellView, pen: MapPen, name: string, strokes: Strokes = ROUND): Drawable {
  const groups = groupsOf(cell.cpus);
  const [only] = groups;
  const inherit = groups.length === 1 && only !== undefined ? groupName(only, pen) : '';
  const title = [name, ...(inherit === '' ? [] : [inherit])].join(nested(pen));
  const remark = cell.cpus.length === 0 ? ' (memory only)' : '';
  return {
    draw: (room) => {
      const inner = room.width - frameColumns(1);
      const offline = cell.cpus.filter((cpu) => !cpu.online);
      const parts = [
        blockOf(memoryLines(cell, pen, inner)),
        blockOf(poolLine(cell.pages, pen, inner)),
        blockOf(pciLines(cell.pci, pen, inner, 'pci')),
        drawGroups(groups, pen, inner),
        ...(offline.length === 0 ? [] : [drawLooseCpus('offline', offline, pen, inner)]),
      ];
      return frame(stack(parts), { ...box(pen, strokes, title + remark), ...sized(room) });
    },
  };
}

/** The cores of each L3 group in a box or rows of their own; a cell with one group needs neither. */
function drawGroups(groups: readonly CpuGroup[], pen: MapPen, width: number): Block {
  const [only] = groups;
  if (groups.length === 1 && only !== undefined) return drawCores(only.cores, pen, width);
  if (!pen.boxed) return stack(groupRows(groups, pen, width));
  const boxes = groups.map((group) => ({
    draw: (room: Room) =>
      frame(drawCores(group.cores, pen, room.width - frameColumns(1)), {
        ...box(pen, SQUARE, groupName(group, pen)),
        ...sized(room),
      }),
  }));
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

function box(pen: MapPen, strokes: Strokes, title: string): Omit<FrameStyle, 'maxWidth'> {
  return {
    strokes: pen.unicode ? strokes : ASCII,
    title,
    padding: 1,
    paintFrame: pen.ink.frame,
    paintTitle: pen.ink.title,
  };
}

function sized(room: Room): { maxWidth: number; width?: number; height?: number } {
  return {
    maxWidth: room.width,
    ...(room.fillWidth === undefined ? {} : { width: room.fillWidth }),
    ...(room.fillHeight === undefined ? {} : { height: room.fillHeight }),
  };
}

/** Between the names of levels that share a box. */
function nested(pen: MapPen): string {
  return pen.unicode ? ' › ' : ' > ';
}
