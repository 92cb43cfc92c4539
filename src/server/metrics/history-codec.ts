import { berthError } from '../../base/errors.ts';

/**
 * Values at equal distances in a few bytes: whole units, each as its difference to the one before, in
 * as many bytes as that needs. What changes little takes a byte. A gap takes one, too.
 */

const CONTINUES = 0x80;
const LOW_BITS = 0x7f;
const GAP = 0;
/** The largest whole number of units; differences between two of them are exact as well. */
const UNITS_MAX = 2 ** 51;

/**
 * Packs one column. A value comes back as the nearest whole number of units.
 * @param scale units in one; values are from 0 to 2^51 units, and larger ones count as that.
 */
export function packColumn(values: readonly (number | undefined)[], scale: number): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const value of values) {
    if (value === undefined || !Number.isFinite(value)) {
      bytes.push(GAP);
      continue;
    }
    const units = Math.min(Math.max(0, Math.round(value * scale)), UNITS_MAX);
    writeNumber(bytes, 1 + unsigned(units - before));
    before = units;
  }
  return Uint8Array.from(bytes);
}

/** Unpacks what `packColumn` has packed. @throws BERTH_FACTS_INVALID for bytes of anything else. */
export function unpackColumn(bytes: Uint8Array, scale: number): readonly (number | undefined)[] {
  const values: (number | undefined)[] = [];
  let before = 0;
  for (let at = 0; at < bytes.length;) {
    const { number, next } = readNumber(bytes, at);
    at = next;
    if (number === GAP) {
      values.push(undefined);
      continue;
    }
    before += signed(number - 1);
    values.push(before / scale);
  }
  return values;
}

/** 0, -1, 1, -2, ... become 0, 1, 2, 3, ...: small differences either way are small numbers. */
function unsigned(difference: number): number {
  return difference < 0 ? -difference * 2 - 1 : difference * 2;
}

function signed(number: number): number {
  return number % 2 === 1 ? -(number + 1) / 2 : number / 2;
}

/** Seven bits a byte, the lowest first. By arithmetic: bitwise operators see but 32 bits. */
function writeNumber(bytes: number[], number: number): void {
  let rest = number;
  for (; rest > LOW_BITS; rest = Math.floor(rest / CONTINUES)) {
    bytes.push((rest % CONTINUES) + CONTINUES);
  }
  bytes.push(rest);
}

function readNumber(bytes: Uint8Array, from: number): { number: number; next: number } {
  let number = 0;
  let factor = 1;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    number += (byte & LOW_BITS) * factor;
    if (!Number.isSafeInteger(number)) break;
    if (byte < CONTINUES) return { number, next: at + 1 };
    factor *= CONTINUES;
  }
  const problem = `the number at byte ${from} has no end`;
  throw berthError('BERTH_FACTS_INVALID', { fact: 'a block of history', problem });
}
