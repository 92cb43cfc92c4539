import { createHash } from 'node:crypto';

/** What guest-shell.sh tells of a run: how it ended, and one part of what it wrote. */
export interface OutputFrame {
  readonly status: number;
  /** Bytes of the whole output. */
  readonly size: number;
  readonly offset: number;
  readonly part: Buffer;
}

/**
 * Finds the frame `{{ID WORD}}` in what a console wrote.
 * @param text of one character for each byte.
 * @param id letters, digits and dots.
 */
export function findWord(text: string, id: string): string | undefined {
  const start = `{{${id} `;
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    const word = /^[a-z]+(?=\}\})/.exec(text.slice(at + start.length, at + start.length + 20))?.[0];
    if (word !== undefined) return word;
  }
  return undefined;
}

/**
 * Finds an undamaged frame of an output. Lines that are not of it, such as the kernel's messages,
 * may stand between its own; a frame that they have broken is not taken.
 * @returns `damaged` when frames of that id have come whole, but none of them is as it was sent.
 */
export function findOutput(text: string, id: string): OutputFrame | 'damaged' | undefined {
  const start = `{{${id} `;
  const end = `}}${id} `;
  let damaged = false;
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    const to = text.indexOf(end, at);
    const stop = text.indexOf('\n', to);
    if (to < 0 || stop < 0) break;
    const body = text.slice(at + start.length, to);
    const frame = readOutput(body, text.slice(to + end.length, stop).trimEnd());
    if (frame !== undefined) return frame;
    damaged = true;
  }
  return damaged ? 'damaged' : undefined;
}

/** The words at its head and its end are the same unless one of them was broken. */
function readOutput(body: string, wordsAtEnd: string): OutputFrame | undefined {
  const [words = '', ...lines] = body.split(/\r*\n/);
  const [, status, size, offset, sum] = /^(\d+) (\d+) (\d+) ([0-9a-f]{64})$/.exec(words) ?? [];
  if (status === undefined || words !== wordsAtEnd) return undefined;
  const encoded = lines.filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line)).join('');
  const part = Buffer.from(encoded, 'base64');
  if (createHash('sha256').update(part).digest('hex') !== sum) return undefined;
  return { status: Number(status), size: Number(size), offset: Number(offset), part };
}
