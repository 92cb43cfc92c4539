import { BitSet } from '../base/bit-set.ts';
import type { MemoryShare, VcpuSeat } from '../model/placement.ts';
import { floatingLimits, floatOver, starving } from './cpu-limits.ts';
import type { Frame } from './frame.ts';
import { memoryPlan } from './memory-plan.ts';
import type { Attempt, Seating } from './seating.ts';
import { failed } from './seating.ts';
import { starvedByTaking } from './shared-pool.ts';
import type { Trial } from './slot-fit.ts';
import { trialCpus } from './slot-fit.ts';

/** Seats slots in the cells they fit, then checks what only the whole can break. */
export function seatSlots(frame: Frame, trials: readonly Trial[]): Attempt {
  const memory = mergeShares(
    trials.flatMap((trial) => memoryPlan(frame, trial.slot, trial).shares),
  );
  const parts = trials.flatMap(({ slot, home }) => slot.parts.map((part) => ({ part, home })));
  const common = { parts, memory, mode: frame.mode };
  return frame.request.policy === 'dedicated'
    ? seatDedicated(frame, trials, common)
    : seatFloating(frame, trials, common);
}

type Common = Pick<Seating, 'parts' | 'memory' | 'mode'>;

function seatDedicated(frame: Frame, trials: readonly Trial[], common: Common): Attempt {
  const choices = trials.map((trial) => ({ trial, choice: trialCpus(frame, trial) }));
  const vcpus = choices.flatMap(({ trial, choice }) =>
    trial.slot.parts
      .flatMap((part) => part.vcpus)
      .map((vcpu, i): VcpuSeat => ({ vcpu, pcpus: choice.pcpus.slice(i, i + 1) })),
  );
  const blocked = choices.flatMap(({ choice }) => choice.blocked);
  const isolated = choices.flatMap(({ choice }) => choice.emulator);
  const pcpus = vcpus.flatMap((seat) => seat.pcpus);
  const taken = new BitSet([...pcpus, ...blocked, ...isolated]);
  const starved = starvedByTaking(frame.ledger, taken);
  if (starved !== undefined) return failed([starving(frame, starved, taken.size)]);
  return {
    ok: true,
    seating: {
      ...common,
      vcpus: vcpus.toSorted((a, b) => a.vcpu - b.vcpu),
      blocked: blocked.toSorted((a, b) => a - b),
      emulator: (isolated.length > 0 ? isolated : pcpus).toSorted((a, b) => a - b),
      unpaired: choices.reduce((sum, { choice }) => sum + choice.unpaired, 0),
      broken: choices.reduce((sum, { choice }) => sum + choice.broken, 0),
    },
  };
}

function seatFloating(frame: Frame, trials: readonly Trial[], common: Common): Attempt {
  const parts = trials.map(({ slot, home }) => ({
    vcpus: slot.vcpus,
    ids: slot.parts.flatMap((part) => part.vcpus),
    over: floatOver(frame, [home]),
  }));
  const cells = trials.map(({ home }) => home);
  const broken = floatingLimits(frame, { cells, name: 'the host' }, parts);
  if (broken.length > 0) return failed(broken);
  const emulator = parts.reduce((all, { over }) => all.or(over), new BitSet());
  return {
    ok: true,
    seating: {
      ...common,
      vcpus: parts
        .flatMap(({ ids, over }) => ids.map((vcpu) => ({ vcpu, pcpus: [...over] })))
        .toSorted((a, b) => a.vcpu - b.vcpu),
      emulator: [...emulator],
      blocked: [],
      unpaired: 0,
      broken: 0,
    },
  };
}

/** One share per cell: guest cells in one host cell draw on it together. */
function mergeShares(shares: readonly MemoryShare[]): readonly MemoryShare[] {
  const merged = new Map<number | undefined, MemoryShare>();
  for (const share of shares) {
    const bytes = (merged.get(share.cell)?.bytes ?? 0) + share.bytes;
    merged.set(share.cell, { ...share, bytes });
  }
  return [...merged.values()];
}
