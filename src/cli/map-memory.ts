import { formatSize } from '../base/units.ts';
import type { HostView } from '../api/resources.ts';
import { cut } from './block.ts';
import type { MapPen } from './map-pen.ts';

type CellView = HostView['topology']['cells'][number];
type PciView = CellView['pci'][number];

/** A shorter bar tells nothing and is left out. */
const BAR_COLUMNS_MIN = 8;
const BAR_COLUMNS_MAX = 40;
/** Addresses of one device class that are listed before "+n". */
const PCI_ADDRESSES_MAX = 4;

/** PCI base classes (the class code's first byte) that placement cares about. */
const PCI_CLASSES: Readonly<Record<string, string>> = {
  '01': 'storage',
  '02': 'network',
  '03': 'gpu',
  '12': 'accelerator',
};

/** A bar of the cell's memory: letters where VMs hold it, then what else is used, then free. */
export function memoryLines(cell: CellView, pen: MapPen, width: number): readonly string[] {
  const label = 'memory ';
  if (cell.memoryBytes === 0) return [pen.ink.faint(`${label}none`)];
  const free = formatSize(cell.freeBytes);
  const notes = [` ${free} of ${formatSize(cell.memoryBytes)} free`, ` ${free} free`];
  const roomBeside = (text: string): number => width - label.length - text.length - 2;
  const note = notes.find((text) => roomBeside(text) >= BAR_COLUMNS_MIN);
  if (note === undefined) return [pen.ink.faint(label.trimEnd()) + notes[0]];
  const columns = Math.min(BAR_COLUMNS_MAX, roomBeside(note));
  return [pen.ink.faint(label) + memoryBarFrame(memoryBar(cell, pen, columns), pen) + note];
}

/** The ends of a bar around it; they take one column each. */
export function memoryBarFrame(
  bar: string,
  { unicode, ink }: Pick<MapPen, 'unicode' | 'ink'>,
): string {
  const [open, close] = unicode ? ['▕', '▏'] : ['[', ']'];
  return ink.frame(open) + bar + ink.frame(close);
}

function memoryBar(cell: CellView, pen: MapPen, columns: number): string {
  const held = pen.owners.tenants.map(({ key, seat }, place) => ({
    key,
    place,
    running: seat.running,
    bytes: seat.memory
      .filter((share) => share.cell === cell.id || (pen.soleCell && share.cell === undefined))
      .reduce((sum, share) => sum + share.bytes, 0),
  }));
  const usedBytes = cell.memoryBytes - cell.freeBytes;
  const runningBytes = held.reduce((sum, { bytes, running }) => sum + (running ? bytes : 0), 0);
  let left = columns;
  const take = (bytes: number): number => {
    const share = (bytes / cell.memoryBytes) * columns;
    const taken = Math.min(left, bytes > 0 ? Math.max(1, Math.round(share)) : 0);
    left -= taken;
    return taken;
  };
  const tenants = held.map(({ key, place, bytes }) => {
    const taken = take(bytes);
    if (taken === 0) return '';
    return pen.ink.vm(place)(taken < key.length ? '+' : key.padEnd(taken, key.at(-1)));
  });
  const other = (pen.unicode ? '▒' : ':').repeat(take(Math.max(0, usedBytes - runningBytes)));
  const free = (pen.unicode ? '░' : '.').repeat(left);
  return tenants.join('') + pen.ink.reserved(other) + pen.ink.faint(free);
}

/** The pools of large pages that have pages; nothing when there is none. */
export function poolLine(pages: CellView['pages'], pen: MapPen, width: number): readonly string[] {
  const pools = pages
    .filter(({ sizeKiB, total }) => sizeKiB > 4 && total > 0)
    .map(({ sizeKiB, total, free }) => `${formatSize(sizeKiB * 1024)} ${free} of ${total} free`);
  return labelled('pages', pools, pen, width);
}

/** Devices that placement cares about, by class; nothing when there is none. */
export function pciLines(
  functions: readonly PciView[],
  pen: MapPen,
  width: number,
  label: string,
): readonly string[] {
  const classes = Map.groupBy(functions, ({ class: code }) => PCI_CLASSES[baseClass(code)]);
  const words = [...classes].flatMap(([name, members]) => {
    if (name === undefined) return [];
    const shown = members.slice(0, PCI_ADDRESSES_MAX).map(({ address }) => shortAddress(address));
    const rest = members.length - shown.length;
    return [`${name} ${shown.join(' ')}${rest > 0 ? ` +${rest}` : ''}`];
  });
  return labelled(label, words.toSorted(), pen, width);
}

/** `02` of `0x020000`. */
function baseClass(code: string): string {
  return code.replace(/^0x/, '').padStart(6, '0').slice(0, 2);
}

/** Addresses in PCI domain 0 are known without it, as lspci shows them. */
function shortAddress(address: string): string {
  return address.replace(/^0000:/, '');
}

function labelled(
  label: string,
  words: readonly string[],
  pen: MapPen,
  width: number,
): readonly string[] {
  if (words.length === 0) return [];
  const head = label.padEnd(6);
  const lines = wrapWords(words, width - head.length - 1, pen.unicode ? ' · ' : ', ');
  return lines.map(
    (line, row) => `${pen.ink.faint(row === 0 ? head : ' '.repeat(head.length))} ${line}`,
  );
}

/** Phrases joined by a separator, broken into lines between phrases. */
export function wrapWords(
  words: readonly string[],
  width: number,
  separator: string,
): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    const longer = `${last}${separator}${word}`;
    if (last === undefined || longer.length > width) lines.push(cut(word, width));
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
