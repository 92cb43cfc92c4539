import { beside, blockOf, flow, stack } from './block.ts';
import type { Block } from './block.ts';

/** The room that something is drawn in: no wider than `width`; the rest asks for filling up. */
export interface Room {
  readonly width: number;
  readonly fillWidth?: number;
  readonly fillHeight?: number;
}

/** Something that can be drawn into rooms of different size. */
export interface Drawable {
  draw(room: Room): Block;
}

/** Remembers each drawing: grids in grids ask for the same room again and again. */
export function drawnOnce(draw: (room: Room) => Block): Drawable {
  const drawn = new Map<string, Block>();
  return {
    draw: (room) => {
      const key = `${room.width} ${room.fillWidth} ${room.fillHeight}`;
      const block = drawn.get(key) ?? draw(room);
      drawn.set(key, block);
      return block;
    },
  };
}

/** More boxes side by side than this are not tried. */
const GRID_COLUMNS_MAX = 8;

/**
 * Lays boxes out in the number of columns that breaks no row if that can be, and then makes the
 * lowest picture; all boxes have one width, and those of a row one height. Among equals the picture
 * with fewer columns wins.
 */
export function grid(
  boxes: readonly Drawable[],
  { width, gap }: { readonly width: number; readonly gap: number },
): Block {
  let best: Block | undefined;
  for (let columns = 1; columns <= Math.min(boxes.length, GRID_COLUMNS_MAX); columns++) {
    const picture = inColumns(boxes, { width, gap, columns });
    if (picture.width > width && best !== undefined) continue;
    if (best === undefined || isBetter(picture, best)) best = picture;
  }
  return best ?? blockOf([]);
}

function isBetter(picture: Block, best: Block): boolean {
  const [breaks, bestBreaks] = [picture.broken === true, best.broken === true];
  if (breaks !== bestBreaks) return bestBreaks;
  return picture.lines.length < best.lines.length;
}

/**
 * Lays boxes of any size out from left to right, each as wide as it likes within a share of the
 * width: the largest share that breaks no row if that can be, and then makes the lowest picture.
 */
export function packed(
  boxes: readonly Drawable[],
  { width, gap }: { readonly width: number; readonly gap: number },
): Block {
  let best: Block | undefined;
  for (let shares = 1; shares <= Math.min(boxes.length, GRID_COLUMNS_MAX); shares++) {
    const room = { width: Math.floor((width - gap * (shares - 1)) / shares) };
    const picture = flow(
      boxes.map((box) => box.draw(room)),
      width,
      gap,
    );
    if (best === undefined || isBetter(picture, best)) best = picture;
  }
  return best ?? blockOf([]);
}

function inColumns(
  boxes: readonly Drawable[],
  options: { readonly width: number; readonly gap: number; readonly columns: number },
): Block {
  const { width, gap, columns } = options;
  const room = { width: Math.floor((width - gap * (columns - 1)) / columns) };
  const natural = boxes.map((box) => box.draw(room));
  const fillWidth = Math.max(0, ...natural.map((block) => block.width));
  const rows: Block[] = [];
  for (let start = 0; start < boxes.length; start += columns) {
    const heights = natural.slice(start, start + columns).map((block) => block.lines.length);
    const fillHeight = Math.max(0, ...heights);
    const row = boxes.slice(start, start + columns);
    rows.push(
      beside(
        row.map((box) => box.draw({ ...room, fillWidth, fillHeight })),
        gap,
      ),
    );
  }
  return stack(rows);
}
