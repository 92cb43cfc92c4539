import { berthError } from './errors.ts';

/** Bytes in one kibibyte; the unit of libvirt's memory fields and of every size in sysfs. */
export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

const FACTORS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: KIB,
  MiB: MIB,
  GiB: GIB,
  TiB: 1024 * GIB,
};

/**
 * Reads a size as people write it: digits, an optional fraction, and one of B, KiB, MiB, GiB, TiB.
 * A number without a unit, a decimal unit (GB) and anything else are refused, because guessing a
 * unit is how a 32 KiB guest comes about.
 * @returns whole bytes, 1 to 2^53 - 1; from 1 KiB on, whole KiB.
 * @throws BERTH_SPEC_INVALID naming `what`.
 */
export function parseSize(text: string, what: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(B|KiB|MiB|GiB|TiB)$/.exec(text);
  const factor = FACTORS[match?.[2] ?? ''];
  const exact = factor === undefined ? Number.NaN : Number(match?.[1]) * factor;
  // Part of a KiB cannot be written to libvirt; 1.3GiB means the nearest size that can.
  const bytes = exact < KIB ? exact : Math.round(exact / KIB) * KIB;
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: what,
      problem: `"${text}" is not a size`,
      expected: 'a number with a binary unit, such as 512MiB or 32GiB',
    });
  }
  return bytes;
}

/** Bytes for people: the largest binary unit that keeps at most one decimal ("1.5 GiB"). */
export function formatSize(bytes: number): string {
  const units = Object.entries(FACTORS).toReversed();
  // What would round to 1024 of a unit is 1 of the next.
  const unit =
    units.find(([, factor]) => tenths(bytes, factor / KIB) >= KIB) ?? (['B', 1] as const);
  return `${tenths(bytes, unit[1])} ${unit[0]}`;
}

function tenths(bytes: number, unit: number): number {
  return Math.round((bytes / unit) * 10) / 10;
}

/**
 * Narrows a 64-bit wire integer to a number.
 * @throws BERTH_RANGE when the value is beyond 2^53 - 1 either way.
 */
export function toSafeNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw berthError('BERTH_RANGE', { what, value: `${value}` });
  return number;
}
