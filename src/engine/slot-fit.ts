import { present } from '../base/assert.ts';
import { formatIntSet } from '../base/int-set.ts';
import { chooseCpus } from './core-choice.ts';
import type { CpuChoice } from './core-choice.ts';
import { cellPlace, cpuNeed, dedicatedLimits, floatingLimits, floatOver } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import type { Slot } from './guest-parts.ts';
import { cellDistance } from './host-shape.ts';
import { memoryPlan, roomFor, sourcesFor } from './memory-plan.ts';
import type { BrokenLimit } from './refusal.ts';
import { named } from './wording.ts';

/** A slot and the host cell, by index, that it is tried in. */
export interface Trial {
  readonly slot: Slot;
  readonly home: number;
  /** The slot is the whole guest. */
  readonly alone: boolean;
}

/** Everything that stands against a slot in a cell; empty when it fits. */
export function trialLimits(frame: Frame, trial: Trial): readonly BrokenLimit[] {
  const { slot, home } = trial;
  const place = cellPlace(frame, home);
  const cpus =
    frame.request.policy === 'dedicated'
      ? dedicatedLimits(frame, place, slot)
      : floatingLimits(frame, place, [{ vcpus: slot.vcpus, over: floatOver(frame, [home]) }]);
  return [...cpus, ...memoryPlan(frame, slot, trial).broken, ...emulatorLimits(frame, trial)];
}

/** pCPUs for the dedicated vCPUs of a slot that fits. */
export function trialCpus(frame: Frame, { slot, home }: Trial): CpuChoice {
  return chooseCpus(cpuNeed(frame, slot), frame.coresAt(home, 'open'));
}

/**
 * How well a slot that fits sits in a cell, the lesser the better: memory near; then for dedicated
 * vCPUs whole cores, no free core broken, and least left over; for floating ones least load. Then
 * memory, tightest for dedicated guests and roomiest for floating ones; then the lowest cell.
 */
export function trialRank(frame: Frame, trial: Trial): readonly number[] {
  const { slot, home } = trial;
  const [source] = trial.alone ? sourcesFor(frame, home) : [frame.ledger.cells[home]];
  const far = source === undefined ? 0 : distance(frame, home, source.index);
  const memoryLeft = source === undefined ? 0 : roomFor(frame, source) - slot.bytes;
  if (frame.request.policy === 'shared') {
    return [far, loadWith(frame, home, slot.vcpus), -memoryLeft, home];
  }
  const choice = trialCpus(frame, trial);
  const cpus = present(frame.ledger.shape.cells[home], `cell at ${home}`).cpus;
  const left = cpus.countIn(frame.ledger.free) - choice.pcpus.length - choice.blocked.length;
  return [far, choice.unpaired, choice.broken, left, memoryLeft, home];
}

/** Relative distance between cells of the frame's host. */
export function distance(frame: Frame, a: number, b: number): number {
  return cellDistance(frame.ledger.host.topology, a, b);
}

/** Floating vCPUs of a cell for each pCPU of its pool, once that many more are there. */
export function loadWith(frame: Frame, home: number, vcpus: number): number {
  const cell = present(frame.ledger.shape.cells[home], `cell at ${home}`);
  const pool = cell.cpus.and(frame.ledger.pool);
  const limit = frame.limits.find(({ cpus }) => cpus.equals(pool));
  return ((limit?.vcpus ?? 0) + vcpus) / Math.max(1, pool.size);
}

/**
 * QEMU 7.2 makes the threads that fill huge pages run on the CPUs of the memory's cell, and fails to
 * start ("Setting CPU affinity failed") when the emulator's pins hold none of them; seen with
 * libvirt 9.0.
 */
function emulatorLimits(frame: Frame, trial: Trial): readonly BrokenLimit[] {
  if (!frame.huge) return [];
  const home = present(frame.ledger.cells[trial.home], `cell at ${trial.home}`);
  const { emulator } = frame.request;
  const limit = (have: string, say: string): readonly BrokenLimit[] => [
    { check: 'emulator-pages', cell: home.id, need: 'pCPUs in each cell', have, say, heldBy: [] },
  ];
  if (!trial.alone) {
    return emulator === 'share'
      ? []
      : limit(
          'one pCPU',
          'QEMU cannot fill huge pages of several cells while its own threads are kept to one pCPU',
        );
  }
  const away = memoryPlan(frame, trial.slot, trial).shares.flatMap(({ cell }) =>
    frame.ledger.cells.some((other) => other.hasCpus && other.id === cell && other !== home)
      ? [cell ?? 0]
      : [],
  );
  return away.length === 0
    ? []
    : limit(
        `pCPUs in cell ${home.id}`,
        `QEMU cannot fill huge pages of ${named('cell', formatIntSet(away))} while its own threads are kept to cell ${home.id}`,
      );
}
