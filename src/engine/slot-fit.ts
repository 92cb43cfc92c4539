import { present } from '../base/assert.ts';
import { formatIntSet } from '../base/int-set.ts';
import { chooseCpus } from './core-choice.ts';
import type { CpuChoice } from './core-choice.ts';
import { cellPlace, cpuNeed, dedicatedLimits, floatingLimits, floatOver } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import type { Slot } from './guest-parts.ts';
import { cellDistance } from './host-shape.ts';
import { memoryPlan, sourcesFor } from './memory-plan.ts';
import type { BrokenLimit } from './refusal.ts';
import type { Effect } from './room/effect.ts';
import { isPlain } from './request.ts';
import { loadIn } from './room/room.ts';
import type { SlotNeed } from './room/slot-room.ts';
import { slotAlone } from './room/slot-room.ts';
import { totalFor } from './score.ts';
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
 * How well a slot that fits sits in a cell, the lesser the better: memory near; then by the score of
 * what is left; then floating vCPUs where fewest compete; then the lowest cell.
 */
export function trialRank(frame: Frame, trial: Trial): readonly number[] {
  const { home } = trial;
  const [source] = trial.alone ? sourcesFor(frame, home) : [frame.ledger.cells[home]];
  const far = source === undefined ? 0 : distance(frame, home, source.index);
  const effect = trialEffect(frame, trial);
  const total = totalFor(frame.outlook.policy, frame.room.after(frame.request, effect));
  return [far, -total, loadIn(frame.room, home, effect.floats), home];
}

/** What a slot takes of a cell: by counts, or pCPU by pCPU where the request names some. */
function trialEffect(frame: Frame, trial: Trial): Effect {
  const { slot, home } = trial;
  const { row, layout } = frame.room;
  const effect = slotAlone(row, layout, { need: slotNeed(frame, slot), index: home });
  if (frame.request.policy === 'shared' || isPlain(frame.request)) return effect;
  const { pcpus, blocked, emulator, broken, unpaired } = trialCpus(frame, trial);
  const taken = pcpus.length + blocked.length + emulator.length;
  const cells = effect.cells.map((cell) => ({ ...cell, pcpus: taken, broken, unpaired }));
  return { ...effect, cells };
}

/** What a slot needs of its cell, in the words of the counts. */
export function slotNeed(frame: Frame, slot: Slot): SlotNeed {
  const { request, pageKiB, boundRatio } = frame;
  return {
    policy: request.policy === 'shared' ? 'shared' : 'dedicated',
    threads: request.threads,
    vcpus: slot.vcpus,
    bytes: slot.bytes,
    overheadBytes: slot.overheadBytes,
    pageKiB,
    overbound: boundRatio !== 1,
  };
}

/** Relative distance between cells of the frame's host. */
export function distance(frame: Frame, a: number, b: number): number {
  return cellDistance(frame.ledger.host.topology, a, b);
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
