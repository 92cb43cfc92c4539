import type { Refused } from './place.ts';
import type { BrokenLimit, HostRefusal } from './refusal.ts';

/** Hosts that refuse for the same reasons. */
export interface RefusalGroup {
  readonly hosts: readonly string[];
  readonly checks: readonly BrokenLimit[];
}

/** Joins hosts that broke the same limits with the same numbers, in the order first seen. */
export function groupRefusals(refusals: readonly HostRefusal[]): readonly RefusalGroup[] {
  return refusals.map((refusal) => ({ hosts: [refusal.host], checks: refusal.checks }));
}

/** The lines that tell a person why, without colour or indentation by tabs. */
export function explainRefusal(refused: Refused): readonly string[] {
  return [refused.summary];
}
