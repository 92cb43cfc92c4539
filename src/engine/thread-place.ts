import { formatIntSet } from '../base/int-set.ts';
import type { IoThreadSeat, ThreadPlace } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import { holdersOf } from './holders.ts';
import type { BrokenLimit, LimitName } from './refusal.ts';
import type { PlacementRequest } from './request.ts';
import { named } from './wording.ts';

/** pCPUs of their own that the guest's emulator, and its I/O threads, have beside its vCPUs'. */
export function ownPcpus({ emulator, ioThreads }: PlacementRequest): {
  readonly emulator: number;
  readonly io: number;
} {
  return {
    emulator: emulator === 'isolate' ? 1 : 0,
    io: ioThreads?.place === 'isolate' ? ioThreads.count : 0,
  };
}

/** pCPUs for the emulator and each I/O thread, and which of them nobody else may have. */
export interface ThreadSeats {
  readonly emulator: readonly number[];
  readonly ioThreads: readonly IoThreadSeat[];
}

/**
 * Seats the threads that are no vCPUs.
 * @param beside the pCPUs that they share unless they have their own.
 * @param own pCPUs taken for them: the emulator's first, then one for each I/O thread.
 */
export function seatThreads(
  { emulator, ioThreads }: PlacementRequest,
  beside: readonly number[],
  own: readonly number[],
): ThreadSeats {
  const [apart, io] = emulator === 'isolate' ? [own.slice(0, 1), own.slice(1)] : [[], own];
  const main = pcpusOf(emulator, beside, apart);
  return {
    emulator: main,
    ioThreads: Array.from({ length: ioThreads?.count ?? 0 }, (_, index) => ({
      id: index + 1,
      pcpus: pcpusOf(ioThreads?.place ?? 'share', main, io.slice(index, index + 1)),
    })),
  };
}

function pcpusOf(
  place: ThreadPlace,
  beside: readonly number[],
  own: readonly number[],
): readonly number[] {
  if (place === 'share') return beside;
  return place === 'isolate' ? own : place.cpus.toSorted((a, b) => a - b);
}

/** What stands against pCPUs that were named for threads: only such serve that no guest ever has. */
export function threadPlaceLimits(frame: Frame): readonly BrokenLimit[] {
  const { emulator, ioThreads } = frame.request;
  return [
    ...setLimits(frame, emulator, { check: 'emulator-cpus', whose: "QEMU's own threads" }),
    ...setLimits(frame, ioThreads?.place, { check: 'io-thread-cpus', whose: 'I/O threads' }),
  ];
}

function setLimits(
  frame: Frame,
  place: ThreadPlace | undefined,
  what: { readonly check: LimitName; readonly whose: string },
): readonly BrokenLimit[] {
  if (typeof place !== 'object') return [];
  const { ledger } = frame;
  const { host, shape, holders } = ledger;
  const common = new Set([...host.policy.reservedCpus, ...(host.policy.sharedCpus ?? [])]);
  const serves = (cpu: number): boolean => shape.online.has(cpu) && common.has(cpu);
  const limit = (cpus: readonly number[], why: string): readonly BrokenLimit[] =>
    cpus.length === 0
      ? []
      : [
          {
            check: what.check,
            need: formatIntSet(place.cpus),
            have: formatIntSet(place.cpus.filter((cpu) => serves(cpu) && !holders.has(cpu))),
            say: `${what.whose} are to run on ${named('pCPU', formatIntSet(place.cpus))}, but ${host.name} ${why} ${formatIntSet(cpus)}`,
            heldBy: holdersOf(ledger, (seat) => seat.dedicated.some((cpu) => cpus.includes(cpu))),
          },
        ];
  const { cpus } = place;
  const running = cpus.filter((cpu) => shape.online.has(cpu));
  return [
    ...limit(
      cpus.filter((cpu) => !shape.online.has(cpu)),
      'has none online of',
    ),
    ...limit(
      running.filter((cpu) => !common.has(cpu)),
      'neither reserves nor sets apart as shared',
    ),
    ...limit(
      running.filter((cpu) => common.has(cpu) && holders.has(cpu)),
      'has given to one guest alone',
    ),
  ];
}
