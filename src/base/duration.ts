import { berthError } from './errors.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a length of time as people write it: digits and one of s, m, h, d ("6h").
 * @returns milliseconds, at least 1,000.
 * @throws BERTH_SPEC_INVALID naming `what`.
 */
export function parseDuration(text: string, what: string): number {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(text);
  const unit = UNITS_MS[match?.[2] ?? ''];
  const milliseconds = unit === undefined ? 0 : Number(match?.[1]) * unit;
  if (milliseconds > 0) return milliseconds;
  throw berthError('BERTH_SPEC_INVALID', {
    where: what,
    problem: `"${text}" is not a length of time`,
    expected: 'a number with a unit, such as 90s, 30m, 6h or 2d',
  });
}
