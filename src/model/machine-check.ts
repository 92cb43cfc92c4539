import { berthError } from '../base/errors.ts';

/** Refuses a number of a machine description that is out of its range. */
export function checkCount(where: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw invalid(where, `${value} cannot be`, `a whole number from ${min} to ${max}`);
}

/** The error for a field of a machine description. */
export function invalid(where: string, problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where, problem, expected });
}
