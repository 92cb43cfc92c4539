import { present } from '../base/assert.ts';
import { BitSet } from '../base/bit-set.ts';
import { formatIntSet } from '../base/int-set.ts';
import { chooseCpus } from './core-choice.ts';
import type { CpuChoice } from './core-choice.ts';
import {
  cellPlace,
  cpuNeed,
  dedicatedLimits,
  floatingBesideLimits,
  floatingLimits,
  floatOver,
} from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import { besideFloating } from './frame.ts';
import type { Slot } from './guest-parts.ts';
import { cellDistance } from './host-shape.ts';
import { memoryPlan, sourcesFor } from './memory-plan.ts';
import { choosePci, pciShortfall } from './pci-choice.ts';
import type { BrokenLimit } from './refusal.ts';
import type { Effect } from './room/effect.ts';
import { isPlain } from './request.ts';
import { loadIn } from './room/room.ts';
import type { SlotNeed } from './room/slot-room.ts';
import { slotAlone, slotFits } from './room/slot-room.ts';
import { totalFor } from './score.ts';
import { named } from './wording.ts';

/** A slot and the host cell, by index, that it is tried in. */
export interface Trial {
  readonly slot: Slot;
  readonly home: number;
  /** The slot is the whole guest. */
  readonly alone: boolean;
}

/** Whether a slot fits a cell: the same as nothing standing against it, where counts tell at once. */
export function trialFits(frame: Frame, trial: Trial): boolean {
  if (!frame.counted) return trialLimits(frame, trial).length === 0;
  const { row, layout } = frame.room;
  return slotFits(row, layout, { need: slotNeed(frame, trial.slot), index: trial.home });
}

/** Everything that stands against a slot in a cell; empty when it fits. */
export function trialLimits(frame: Frame, trial: Trial): readonly BrokenLimit[] {
  const { slot, home } = trial;
  const vcpus = slot.vcpus - slot.dedicated;
  const parts = vcpus === 0 ? [] : [{ vcpus, over: floatOver(frame, [home]) }];
  return [
    ...floatingLimits(frame, cellPlace(frame, home), parts),
    ...ownLimits(frame, trial),
    ...memoryPlan(frame, slot, trial).broken,
    ...emulatorLimits(frame, trial),
    ...pciLimits(frame, trial),
  ];
}

/** What is missing of PCI functions where the cell is to have them all. */
function pciLimits(frame: Frame, { home, alone }: Trial): readonly BrokenLimit[] {
  if (!alone || frame.request.pci === undefined) return [];
  const choice = choosePci(frame, [home]);
  return choice.ok ? [] : [choice.broken];
}

/** What stands against the dedicated vCPUs of a slot, what they leave to its floating ones included. */
function ownLimits(frame: Frame, trial: Trial): readonly BrokenLimit[] {
  const { slot, home } = trial;
  if (slot.dedicated + slot.emulator === 0) return [];
  const cores = coreLimits(frame, trial);
  if (cores.length > 0) return cores;
  const vcpus = slot.vcpus - slot.dedicated;
  const beside = besideFloating(frame, [home], vcpus);
  const dedicated = dedicatedLimits(beside, cellPlace(beside, home), slot);
  if (vcpus === 0 || dedicated.length > 0) return dedicated;
  const { pcpus, blocked, emulator } = trialCpus(frame, trial);
  const taken = new BitSet([...pcpus, ...blocked, ...emulator]);
  const parts = [{ vcpus, over: floatOver(frame, [home]).minus(taken) }];
  return floatingBesideLimits(frame, cellPlace(frame, home), { parts, taken });
}

/** Dedicated vCPUs of a guest cell that are no whole cores, where the guest has some of both kinds. */
function coreLimits(frame: Frame, { slot, home }: Trial): readonly BrokenLimit[] {
  const { request, ledger } = frame;
  const { threads } = ledger.shape;
  if (request.policy !== 'mixed' || request.threads !== 'require') return [];
  if (slot.dedicated % threads === 0) return [];
  return [
    {
      check: 'whole-cores',
      cell: present(ledger.cells[home], `cell at ${home}`).id,
      need: threads * Math.ceil(slot.dedicated / threads),
      have: slot.dedicated,
      unit: 'vCPUs',
      say: `thread policy require needs whole cores of ${threads} threads, and the ${slot.dedicated} dedicated vCPUs of one guest cell are none`,
      heldBy: [],
    },
  ];
}

/** pCPUs for the dedicated vCPUs of a slot that fits. */
export function trialCpus(frame: Frame, { slot, home }: Trial): CpuChoice {
  if (slot.dedicated + slot.emulator === 0) return NO_CPUS;
  const beside = besideFloating(frame, [home], slot.vcpus - slot.dedicated);
  return chooseCpus(cpuNeed(frame, slot), beside.coresAt(home, 'open'));
}

const NO_CPUS: CpuChoice = { pcpus: [], blocked: [], emulator: [], unpaired: 0, broken: 0 };

/**
 * How well a slot that fits sits in a cell, the lesser the better: memory near; then by the score of
 * what is left; then floating vCPUs where fewest compete; then the lowest cell.
 */
export function trialRank(frame: Frame, trial: Trial): readonly number[] {
  const { home } = trial;
  const [source] = trial.alone ? sourcesFor(frame, home) : [frame.ledger.cells[home]];
  const far = source === undefined ? 0 : distance(frame, home, source.index);
  const effect = trialEffect(frame, trial);
  const total = totalFor(frame.room.policy, frame.room.after(frame.request, effect));
  return [pciShortfall(frame, home), far, -total, loadIn(frame.room, home, effect.floats), home];
}

/** What a slot takes of a cell: by counts, or pCPU by pCPU where the request names some. */
function trialEffect(frame: Frame, trial: Trial): Effect {
  const { slot, home } = trial;
  const { row, layout } = frame.room;
  const effect = slotAlone(row, layout, { need: slotNeed(frame, slot), index: home });
  if (frame.request.policy === 'shared' || isPlain(frame.request)) return effect;
  const { pcpus, blocked, emulator, broken, unpaired } = trialCpus(frame, trial);
  const taken = pcpus.length + blocked.length + emulator.length;
  const floats = slot.vcpus - slot.dedicated;
  const cells = effect.cells.map((cell) => ({ ...cell, pcpus: taken, broken, unpaired, floats }));
  return { ...effect, cells, floats };
}

/** What a slot needs of its cell, in the words of the counts. */
function slotNeed(frame: Frame, slot: Pick<Slot, 'vcpus' | 'bytes' | 'overheadBytes'>): SlotNeed {
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

/** What the whole guest needs of the cell that carries it. */
export function wholeNeed(frame: Frame): SlotNeed {
  const { vcpus, memoryBytes } = frame.request;
  return slotNeed(frame, { vcpus, bytes: memoryBytes, overheadBytes: frame.overheadBytes });
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
  if (typeof emulator === 'object') return emulatorSetLimits(frame, trial, emulator.cpus);
  const limit = (have: string, say: string): readonly BrokenLimit[] => [
    { check: 'emulator-pages', cell: home.id, need: 'pCPUs in each cell', have, say, heldBy: [] },
  ];
  if (!trial.alone) {
    if (emulator === 'share' && trial.slot.vcpus === trial.slot.dedicated && isMixed(frame)) {
      return limit(
        'none',
        `QEMU cannot fill huge pages of cell ${home.id} while its own threads run beside floating vCPUs, of which the guest cell has none`,
      );
    }
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

function isMixed({ request }: Frame): boolean {
  return request.policy === 'mixed';
}

/** The same where the emulator is kept to pCPUs by hand. */
function emulatorSetLimits(
  frame: Frame,
  trial: Trial,
  cpus: readonly number[],
): readonly BrokenLimit[] {
  const { cells, shape } = frame.ledger;
  const own = memoryPlan(frame, trial.slot, trial).shares.map(({ cell }) => cell);
  const away = cells.filter(
    ({ id, index, hasCpus }) =>
      hasCpus &&
      own.includes(id) &&
      !cpus.some((cpu) => shape.cells[index]?.cpus.has(cpu) === true),
  );
  return away.map(({ id }) => ({
    check: 'emulator-pages',
    cell: id,
    need: 'pCPUs in each cell',
    have: formatIntSet(cpus),
    say: `QEMU cannot fill huge pages of cell ${id} while its own threads are kept to ${named('pCPU', formatIntSet(cpus))}, none of which is of that cell`,
    heldBy: [],
  }));
}
