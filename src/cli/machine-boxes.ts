import { ASCII, frame, frameColumns, HEAVY, ROUND, SQUARE } from './block.ts';
import type { Block, FrameStyle, Strokes } from './block.ts';
import { drawnOnce, grid } from './block-grid.ts';
import type { Drawable, Room } from './block-grid.ts';
import { groupName, groupsOf, socketsOf } from './map-cores.ts';
import type { CpuGroup, DrawnCpu } from './map-cores.ts';
import type { MapPen } from './map-pen.ts';

/** What the boxes of a machine are drawn with. */
export type BoxPen = Pick<MapPen, 'unicode' | 'ink'>;

/** What of a cell decides the boxes around it. */
export interface DrawnCell {
  readonly id: number;
  readonly cpus: readonly DrawnCpu[];
}

/** How the cells of a machine are shown. */
export interface CellStyle<C> {
  /** Draws what stands in the box of a cell, no wider than `width`. */
  readonly content: (cell: C, groups: readonly CpuGroup[], width: number) => Block;
  /** The only L3 cache of a cell is named in its title. */
  readonly nameCaches: boolean;
}

/**
 * One box per package around its cells, each with what the style draws. A cell without CPUs, or one
 * that spans several packages (firmware without NUMA), stands beside the packages. Levels with a
 * single child share a box.
 */
export function packageBoxes<C extends DrawnCell>(
  cells: readonly C[],
  pen: BoxPen,
  style: CellStyle<C>,
): readonly Drawable[] {
  const cellBox = (cell: C, name: string, strokes: Strokes): Drawable =>
    boxOfCell(cell, { ...style, pen, name, strokes });
  return packagesOf(cells).map(({ socket, cells: members }) => {
    const [only] = members;
    const name = `package ${socket}`;
    if (only === undefined || members.length > 1) {
      const boxes = members.map((cell) => cellBox(cell, `cell ${cell.id}`, ROUND));
      return boxOfPackage(name, boxes, pen);
    }
    if (socket === undefined) return cellBox(only, `cell ${only.id}`, ROUND);
    return cellBox(only, `${name}${nested(pen)}cell ${only.id}`, HEAVY);
  });
}

/** Cells that are drawn together: those of a package, or one that belongs to none alone. */
export interface PackageOfCells<C> {
  readonly socket?: number;
  readonly cells: readonly C[];
}

/** The cells by package, in the order of the cells; each that has no package of its own apart. */
export function packagesOf<C extends DrawnCell>(cells: readonly C[]): readonly PackageOfCells<C>[] {
  const packages = Map.groupBy(cells, (cell) => {
    const sockets = socketsOf(cell.cpus);
    return sockets.length === 1 ? `package ${sockets[0]}` : `cell ${cell.id}`;
  });
  return [...packages].map(([name, members]) => {
    const [socket] = socketsOf(members[0]?.cpus ?? []);
    return { cells: members, ...(name.startsWith('cell') ? {} : { socket: socket ?? 0 }) };
  });
}

function boxOfPackage(name: string, cells: readonly Drawable[], pen: BoxPen): Drawable {
  return drawnOnce((room) => {
    const content = grid(cells, { width: room.width - frameColumns(1), gap: 1 });
    return frame(content, { ...boxStyle(pen, HEAVY, name), ...sized(room) });
  });
}

function boxOfCell<C extends DrawnCell>(
  cell: C,
  how: CellStyle<C> & {
    readonly pen: BoxPen;
    readonly name: string;
    readonly strokes: Strokes;
  },
): Drawable {
  const { pen, content, name, strokes, nameCaches } = how;
  const groups = groupsOf(cell.cpus);
  const [only] = groups;
  const named = nameCaches && groups.length === 1 && only !== undefined;
  const cache = named ? groupName(only, pen) : '';
  const title = [name, ...(cache === '' ? [] : [cache])].join(nested(pen));
  const remark = cell.cpus.length === 0 ? ' (memory only)' : '';
  return drawnOnce((room) =>
    frame(content(cell, groups, room.width - frameColumns(1)), {
      ...boxStyle(pen, strokes, title + remark),
      ...sized(room),
    }),
  );
}

/** Each L3 group in a box of its own, around what `draw` makes of its cores. */
export function groupBoxes(
  groups: readonly CpuGroup[],
  pen: BoxPen,
  draw: (group: CpuGroup, width: number) => Block,
): readonly Drawable[] {
  return groups.map((group) => ({
    draw: (room) =>
      frame(draw(group, room.width - frameColumns(1)), {
        ...boxStyle(pen, SQUARE, groupName(group, pen)),
        ...sized(room),
      }),
  }));
}

/** A titled frame with one empty column at its sides; ASCII where the terminal knows no other. */
export function boxStyle(
  pen: BoxPen,
  strokes: Strokes,
  title: string,
): Omit<FrameStyle, 'maxWidth'> {
  return {
    strokes: pen.unicode ? strokes : ASCII,
    title,
    padding: 1,
    paintFrame: pen.ink.frame,
    paintTitle: pen.ink.title,
  };
}

/** What a frame needs to know of the room it is drawn in. */
export function sized(room: Room): { maxWidth: number; width?: number; height?: number } {
  return {
    maxWidth: room.width,
    ...(room.fillWidth === undefined ? {} : { width: room.fillWidth }),
    ...(room.fillHeight === undefined ? {} : { height: room.fillHeight }),
  };
}

/** Between the names of levels that share a box. */
function nested(pen: BoxPen): string {
  return pen.unicode ? ' › ' : ' > ';
}
