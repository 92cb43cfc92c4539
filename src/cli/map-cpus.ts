import { ASCII, blockOf, flow, frame, SQUARE } from './block.ts';
import type { Block } from './block.ts';
import { assertNever } from '../base/assert.ts';
import type { MapPen } from './map-pen.ts';
import type { CpuUse } from './map-owners.ts';

interface MappedCpu {
  readonly id: number;
  readonly online: boolean;
}

/** More VMs floating over one pCPU than this are shown as `+`. */
const SHARERS_SHOWN_MAX = 9;

/**
 * Cores from left to right, the threads of each core one below the other. Where every core gets a
 * box, that is drawn around its threads.
 */
export function drawCores(
  cores: readonly (readonly MappedCpu[])[],
  pen: MapPen,
  width: number,
): Block {
  const columns = cores.map((threads) => blockOf(threads.map((cpu) => cpuField(cpu, pen))));
  if (!pen.boxed) {
    const rows = flow(columns, width, 1);
    const threads = Math.max(0, ...columns.map((column) => column.lines.length));
    return { ...rows, broken: rows.lines.length > threads };
  }
  const boxes = columns.map((column) =>
    frame(column, {
      strokes: pen.unicode ? SQUARE : ASCII,
      title: '',
      padding: 0,
      maxWidth: width,
      paintFrame: pen.ink.frame,
      paintTitle: pen.ink.title,
    }),
  );
  return flow(boxes, width, 0);
}

/** CPUs that belong to no core that is known, in rows after a word that says why. */
export function drawLooseCpus(
  word: string,
  cpus: readonly MappedCpu[],
  pen: MapPen,
  width: number,
): Block {
  const label = `${word} `;
  const fields = cpus.map((cpu) => blockOf([cpuField(cpu, pen)]));
  return labelledBlock(label, flow(fields, width - label.length, pen.boxed ? 0 : 1), pen);
}

/** A block with a faint word before its first line. */
export function labelledBlock(label: string, block: Block, pen: Pick<MapPen, 'ink'>): Block {
  const space = ' '.repeat(label.length);
  const lines = block.lines.map((line, row) => pen.ink.faint(row === 0 ? label : space) + line);
  return { ...block, width: label.length + block.width, lines };
}

/** The field of one pCPU: number, mark and key, e.g. ` 12 A `; without the margins where room is dear. */
export function cpuField(cpu: MappedCpu, pen: MapPen): string {
  const use = pen.owners.use(cpu);
  const id = `${cpu.id}`.padStart(pen.idWidth);
  const { mark, key } = signOf(use, pen);
  const text = `${id}${mark}${key.padEnd(pen.owners.keyWidth)}`;
  return paintUse(use, pen)(pen.boxed ? ` ${text} ` : text);
}

/** The mark and letters that tell a use without colour. */
export function signOf(use: CpuUse, pen: MapPen): { readonly mark: string; readonly key: string } {
  const width = pen.owners.keyWidth;
  switch (use.kind) {
    case 'free':
      return { mark: ' ', key: '.' };
    case 'offline':
      return { mark: ' ', key: 'x' };
    case 'reserved':
      return { mark: '/', key: '/'.repeat(width) };
    case 'own':
      return { mark: ' ', key: keyOf(use.place, pen) };
    case 'overlap':
      return { mark: '!', key: keyOf(use.places[0], pen) };
    case 'shared':
      return { mark: pen.unicode ? '≈' : '~', key: sharersKey(use.places, pen) };
    default:
      return assertNever(use);
  }
}

function sharersKey(places: readonly number[], pen: MapPen): string {
  if (places.length === 1) return keyOf(places[0], pen);
  return places.length > SHARERS_SHOWN_MAX ? '+' : `${places.length}`;
}

function keyOf(place: number | undefined, pen: MapPen): string {
  return pen.owners.tenants[place ?? -1]?.key ?? '?';
}

function paintUse(use: CpuUse, { ink }: MapPen): (text: string) => string {
  switch (use.kind) {
    case 'own':
      return ink.vm(use.place);
    case 'shared':
      return use.places.length === 1 ? ink.sharedBy(use.places[0] ?? 0) : ink.shared;
    case 'free':
      return ink.free;
    case 'offline':
      return ink.offline;
    case 'reserved':
      return ink.reserved;
    case 'overlap':
      return ink.overlap;
    default:
      return assertNever(use);
  }
}
