import { berthError } from './errors.ts';

/** The highest CPU or cell number accepted anywhere; beyond every kernel's NR_CPUS (8192). */
export const INT_SET_MAX = 65_535;

/**
 * Reads a CPU or cell list in libvirt's and the kernel's form: `0-3,8,^2`. Exclusions (`^`) may
 * stand anywhere and win, as in libvirt's virBitmapParse. The empty text is the empty set.
 * @returns ascending numbers without repeats.
 * @throws BERTH_SPEC_INVALID naming `what` for anything else, numbers over INT_SET_MAX included.
 */
export function parseIntSet(text: string, what: string): readonly number[] {
  const included: Range[] = [];
  const excluded: Range[] = [];
  for (const part of text.trim() === '' ? [] : text.split(',')) {
    const match = /^\s*(\^?)(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part);
    const first = Number(match?.[2]);
    const last = Number(match?.[3] ?? match?.[2]);
    if (match === null || last < first || last > INT_SET_MAX) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: what,
        problem: `"${excerpt(part.trim())}" in "${excerpt(text)}" is not a number or range`,
        expected: `a list such as 0-3,8,^2 of numbers up to ${INT_SET_MAX}`,
      });
    }
    (match[1] === '^' ? excluded : included).push({ first, last });
  }
  const without = new Set(numbersIn(excluded));
  return numbersIn(included).filter((id) => !without.has(id));
}

/** Writes numbers as the shortest list in the kernel's form: [0,1,2,8] is `0-2,8`. */
export function formatIntSet(ids: Iterable<number>): string {
  const sorted = [...new Set(ids)].toSorted((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    parts.push(start === end ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Every number once, ascending. Ranges that overlap cost no more than what they cover together. */
function numbersIn(ranges: readonly Range[]): readonly number[] {
  const numbers: number[] = [];
  let next = 0;
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    for (next = Math.max(next, first); next <= last; next++) numbers.push(next);
  }
  return numbers;
}

/** How much of a list is shown in the error about it. */
const EXCERPT_CHARS = 80;

function excerpt(text: string): string {
  return text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}...` : text;
}
