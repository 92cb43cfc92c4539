import { present } from '../base/assert.ts';
import type { Frame } from './frame.ts';
import type { Slot } from './guest-parts.ts';
import type { BrokenLimit, LimitName } from './refusal.ts';
import { counted } from './wording.ts';

/** There are fewer cells, cores or units of memory than guest cells. */
export function tooFewCells(need: number, have: number): BrokenLimit {
  return {
    check: 'cells',
    need,
    have,
    unit: 'cells',
    say: `the VM needs ${counted(need, 'host cell')}, one for each guest cell with a core and memory of its own; there can be ${have}`,
    heldBy: [],
  };
}

/** Of equal guest cells the one at `slot` is the first for which too few host cells, `have`, fit. */
export function tooFewFit(
  slots: readonly Slot[],
  slot: number,
  have: number,
): readonly BrokenLimit[] {
  if (slots.length === 1) return [];
  const vcpus = present(slots[slot], 'the slot that is short').vcpus;
  return [
    {
      check: 'cells',
      need: slot + 1,
      have,
      unit: 'cells',
      say: `cut into ${slots.length}, the guest needs ${counted(slot + 1, 'host cell')} that can take ${counted(vcpus, 'vCPU')} or more; ${have} can`,
      heldBy: [],
    },
  ];
}

/** Guest cells given by hand stand in each other's way. */
export function noneLeft(slots: readonly Slot[], seated: number): readonly BrokenLimit[] {
  if (slots.length === 1) return [];
  return [
    {
      check: 'cells',
      need: slots.length,
      have: seated,
      unit: 'cells',
      say: `at most ${seated} of the ${slots.length} guest cells find a host cell of their own`,
      heldBy: [],
    },
  ];
}

/** Reasons for which memory goes with one guest cell and not with several. */
export function oneCellOnly(frame: Frame, count: number): readonly BrokenLimit[] {
  const limit = (check: LimitName, say: string): BrokenLimit => ({
    check,
    need: count,
    have: 1,
    unit: 'cells',
    say,
    heldBy: [],
  });
  if (count === 1) return [];
  // libvirt refuses a nodeset of several cells for this mode.
  const preferred = `memory policy preferred takes one host cell, and ${count} are needed`;
  const remote = `memory of a nodeset apart from the guest's pCPUs goes with one guest cell, and ${count} are needed`;
  return [
    ...(frame.mode === 'preferred' ? [limit('preferred-cells', preferred)] : []),
    ...(frame.remote ? [limit('nodeset-cells', remote)] : []),
  ];
}
