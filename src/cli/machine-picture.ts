import { formatSize } from '../base/units.ts';
import type { Cell, HostTopology } from '../model/topology.ts';
import { blockOf, DOUBLE, flow, frame, frameColumns, stack } from './block.ts';
import type { Block } from './block.ts';
import { grid } from './block-grid.ts';
import type { Drawable } from './block-grid.ts';
import { boxStyle, packageBoxes, sized } from './machine-boxes.ts';
import type { BoxPen } from './machine-boxes.ts';
import { counted, isUneven, machineFigures } from './machine-figures.ts';
import type { CpuGroup } from './map-cores.ts';
import { labelledBlock } from './map-cpus.ts';
import { memoryBarFrame, wrapWords } from './map-memory.ts';

/** What a drawn machine is called, and what is said of it in its first lines. */
export interface MachineCaption {
  readonly title: string;
  /** Phrases, each line of them wrapped where the box ends. */
  readonly remarks: readonly (readonly string[])[];
}

/** Columns of the longest bar: that of the largest cell. */
const BAR_COLUMNS = 12;
/** A shorter bar shows no difference worth seeing. */
const BAR_COLUMNS_MIN = 6;

/**
 * A machine without anything on it: boxes for packages and cells, in them a small block for each
 * core, those with a common L3 cache together, and the memory as a bar against the largest cell.
 */
export function machinePicture(
  topology: HostTopology,
  caption: MachineCaption,
  pen: BoxPen,
): Drawable {
  const style = { content: cellPainter(topology, pen), nameCaches: false };
  const boxes = packageBoxes(topology.cells, pen, style);
  const { title, remarks } = caption;
  return {
    draw: (room) => {
      const inner = room.width - frameColumns(1);
      const machine = grid(boxes, { width: inner, gap: 1 });
      // Words are broken where the drawing ends, if that leaves them room at all.
      const words = Math.min(inner, Math.max(machine.width, WORDS_COLUMNS));
      const separator = pen.unicode ? ' · ' : ', ';
      const lines = [...remarks, figuresText(topology)].flatMap((phrases) =>
        wrapWords(phrases, words, separator),
      );
      return frame(stack([blockOf(lines.map(pen.ink.faint)), machine]), {
        ...boxStyle(pen, DOUBLE, title),
        ...sized(room),
      });
    },
  };
}

/** What the signs in such pictures mean. */
export function pictureLegend(pen: BoxPen): string {
  const [core, bar] = pen.unicode ? ['■', '▕█░▏'] : ['#', '[=.]'];
  return pen.ink.faint(
    `${core} core, beside those with the same L3 cache   ${bar} memory, against the largest cell's`,
  );
}

/** Lines of words are not broken before this column because of a narrow drawing. */
const WORDS_COLUMNS = 40;

/** What a machine is made of, in phrases. */
function figuresText(topology: HostTopology): readonly string[] {
  const figures = machineFigures(topology);
  const { offlineCpus, cores, cpus } = figures;
  return [
    figures.arch,
    counted(figures.sockets, 'package'),
    counted(figures.cells, 'cell') + (isUneven(topology) ? ' (uneven)' : ''),
    ...(cores === cpus ? [] : [counted(cores, 'core')]),
    counted(cpus, 'pCPU'),
    ...(offlineCpus === 0 ? [] : [`${offlineCpus} offline`]),
    formatSize(figures.memoryBytes),
  ];
}

/** Draws a cell: its cores, its memory, its page pools, each after a word that counts them. */
function cellPainter(
  { cells }: HostTopology,
  pen: BoxPen,
): (cell: Cell, groups: readonly CpuGroup[], width: number) => Block {
  const largest = Math.max(1, ...cells.map(({ memoryBytes }) => memoryBytes));
  const columns = Math.max(
    ...cells.flatMap((cell) => [cpusText(cell), sizeText(cell)]).map(length),
  );
  const place = new Map(cells.map(({ id }, index) => [id, index]));
  return (cell, groups, width) => {
    const paint = pen.ink.core(place.get(cell.id) ?? 0);
    const label = (text: string): string => `${text.padEnd(columns)} `;
    const room = width - columns - 1;
    const cores = drawCores(cell, groups, { pen, paint, width: room });
    const bar = memoryBar(cell.memoryBytes / largest, { pen, paint, width: room });
    const pools = poolsText(cell, pen);
    return stack([
      ...(cell.cpus.length === 0 ? [] : [labelledBlock(label(cpusText(cell)), cores, pen)]),
      labelledBlock(label(sizeText(cell)), bar, pen),
      ...(pools.length === 0 ? [] : [labelledBlock(label('pages'), wrapped(pools, room), pen)]),
    ]);
  };
}

function wrapped(phrases: readonly string[], width: number): Block {
  const broken = phrases.some((phrase) => phrase.length > width);
  return { ...blockOf(wrapWords(phrases, width, ', ')), broken };
}

function length(text: string): number {
  return text.length;
}

function cpusText({ cpus }: Cell): string {
  return cpus.length === 0 ? '' : counted(cpus.filter((cpu) => cpu.online).length, 'pCPU');
}

function sizeText({ memoryBytes }: Cell): string {
  return memoryBytes === 0 ? 'no memory' : formatSize(memoryBytes);
}

/** Pools of large pages, which somebody has set aside; the first is that of ordinary pages. */
function poolsText({ pages }: Cell, pen: BoxPen): readonly string[] {
  const times = pen.unicode ? '×' : 'x';
  return pages
    .slice(1)
    .filter(({ total }) => total > 0)
    .map(({ sizeKiB, total }) => `${total} ${times} ${formatSize(sizeKiB * 1024)}`);
}

interface Stroke {
  readonly pen: BoxPen;
  readonly paint: (text: string) => string;
  readonly width: number;
}

/** A block for each core; a group too long for a row is made a rectangle. */
function drawCores(cell: Cell, groups: readonly CpuGroup[], { pen, paint, width }: Stroke): Block {
  const [online, offline] = pen.unicode ? ['■', '□'] : ['#', 'x'];
  const idle = cell.cpus.length - groups.flatMap(({ cores }) => cores.flat()).length;
  const blocks = [
    ...groups.map(({ cores }) => rectangle(online.repeat(cores.length), width, paint)),
    ...(idle === 0 ? [] : [rectangle(offline.repeat(idle), width, pen.ink.offline)]),
  ];
  // Two small groups one below the other would look like one large group.
  const [first, second] = groups.map(({ cores }) => cores.length);
  const pair =
    Math.min(first ?? 0, GROUP_CORES_SMALL) + 1 + Math.min(second ?? 0, GROUP_CORES_SMALL);
  const stacked = second !== undefined && pair > width;
  const broken = stacked || blocks.some((block) => block.broken === true);
  return { ...flow(blocks, width, 1), broken };
}

/** A group of cores in more rows than this looks like several. */
const GROUP_ROWS_MAX = 2;
/** Groups with more cores need rows of their own on most terminals. */
const GROUP_CORES_SMALL = 16;

/** Signs in as few rows as fit the width, all rows equally long but the last. */
function rectangle(signs: string, width: number, paint: (text: string) => string): Block {
  const rows = Math.ceil(signs.length / Math.max(1, width));
  const columns = Math.ceil(signs.length / rows);
  const lines = Array.from({ length: rows }, (_, row) =>
    paint(signs.slice(row * columns, (row + 1) * columns)),
  );
  return { ...blockOf(lines), broken: rows > GROUP_ROWS_MAX };
}

function memoryBar(share: number, { pen, paint, width }: Stroke): Block {
  const columns = Math.min(BAR_COLUMNS, width - 2);
  if (share === 0 || columns < 1) return { ...blockOf(['']), broken: share > 0 };
  const full = Math.max(1, Math.round(share * columns));
  const [fill, rest] = pen.unicode ? ['█', '░'] : ['=', '.'];
  const bar = paint(fill.repeat(full)) + pen.ink.faint(rest.repeat(columns - full));
  return { ...blockOf([memoryBarFrame(bar, pen)]), broken: columns < BAR_COLUMNS_MIN };
}
