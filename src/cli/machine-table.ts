import { formatSize } from '../base/units.ts';
import type { Cell, HostTopology } from '../model/topology.ts';
import { cut } from './block.ts';
import type { CatalogueEntry } from './lab-port.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { packagesOf } from './machine-boxes.ts';
import type { BoxPen } from './machine-boxes.ts';
import { machineFigures } from './machine-figures.ts';
import { mapInk } from './map-ink.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { textWidth } from './text-width.ts';

/** Titles with less room than this would say nothing, and are left out. */
const TITLE_COLUMNS_MIN = 30;

/** The table of `lab machines`: a line and a mini drawing for each machine. */
export function machineTable(catalogue: readonly CatalogueEntry[], look: Look): string {
  const machines = printable(catalogue);
  const pen = { unicode: look.unicode, ink: mapInk(look) };
  const c = painter(look);
  const columns = [
    { title: 'NAME' },
    { title: 'CELLS', align: 'right' },
    { title: 'PCPUS', align: 'right' },
    { title: 'MEMORY', align: 'right' },
    { title: 'SHAPE' },
    { title: 'WHAT IT IS' },
  ] as const;
  const rows = machines.map(({ name, topology }) => {
    const { cells, cpus, memoryBytes } = machineFigures(topology);
    return [name, `${cells}`, `${cpus}`, formatSize(memoryBytes), machineSketch(topology, pen)];
  });
  const bare = tableLines(columns.slice(0, -1), rows, c.dim);
  const room = look.columns - Math.max(...bare.map((line) => textWidth(line))) - 2;
  const lines =
    room < TITLE_COLUMNS_MIN
      ? bare
      : tableLines(
          columns,
          rows.map((row, index) => [...row, cut(machines[index]?.title ?? '', room)]),
          c.dim,
        );
  return `${[...lines, sketchLegend(pen)].join('\n')}\n`;
}

const HEIGHTS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const HEIGHTS_ASCII = ['.', '-', '=', '#'] as const;

/**
 * A machine in one line: a bracket for each package, in it a bar for each cell, as high as the cell
 * has pCPUs beside the largest one: `[██][█▄]+○`. Many equal packages are counted: `[█]×8`.
 */
export function machineSketch({ cells }: HostTopology, pen: BoxPen): string {
  const most = Math.max(1, ...cells.map((cell) => cell.cpus.length));
  const bars = new Map(
    cells.map((cell, place) => {
      const bar = barOf(cell, most, pen);
      return [cell, { bar, painted: pen.ink.core(place)(bar) }];
    }),
  );
  const sketches = packagesOf(cells).map(({ cells: members }) => {
    const plain = members.map((cell) => bars.get(cell)?.bar).join('');
    const painted = members.map((cell) => bars.get(cell)?.painted).join('');
    const [open, close] = members.every((cell) => cell.cpus.length === 0) ? ['+', ''] : ['[', ']'];
    return { plain, painted: pen.ink.frame(open) + painted + pen.ink.frame(close) };
  });
  return [...Map.groupBy(sketches, ({ plain }) => plain).values()]
    .map((equal) =>
      repeatedText(
        equal.map(({ painted }) => painted),
        pen,
      ),
    )
    .join('');
}

/** More equal packages than this are counted instead of drawn. */
const PACKAGES_DRAWN_MAX = 4;

function repeatedText(sketches: readonly string[], { unicode, ink }: BoxPen): string {
  if (sketches.length <= PACKAGES_DRAWN_MAX) return sketches.join('');
  return `${sketches[0]}${ink.faint(`${unicode ? '×' : 'x'}${sketches.length}`)}`;
}

function barOf({ cpus }: Cell, most: number, { unicode }: BoxPen): string {
  if (cpus.length === 0) return unicode ? '○' : 'o';
  const heights = unicode ? HEIGHTS : HEIGHTS_ASCII;
  return heights[Math.ceil((cpus.length / most) * heights.length) - 1] ?? '';
}

function sketchLegend(pen: BoxPen): string {
  const [bar, memory] = pen.unicode ? ['█', '+○'] : ['#', '+o'];
  return pen.ink.faint(
    `[ ] package   ${bar} cell, as high as it has pCPUs   ${memory} cell of memory only`,
  );
}
