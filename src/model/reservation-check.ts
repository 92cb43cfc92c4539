import { berthError } from '../base/errors.ts';
import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { HostTopology } from './topology.ts';

/** What is to be kept for a host itself; what is absent, or null, is not to be set. */
interface Reservation {
  readonly reservedCpus?: readonly number[] | null | undefined;
  readonly reservedBytes?: number | null | undefined;
}

/**
 * Makes sure that a host has what is to be kept for itself: a slip of the keyboard would otherwise
 * close the host to every VM. CPUs that are offline now may be reserved.
 * @throws BERTH_SPEC_INVALID that says what the host has
 */
export function checkReservation(
  host: string,
  { cells, offlineCpus }: HostTopology,
  { reservedCpus, reservedBytes }: Reservation,
): void {
  const cpus = [...cells.flatMap((cell) => cell.cpus.map(({ id }) => id)), ...offlineCpus];
  const there = new Set(cpus);
  const absent = (reservedCpus ?? []).filter((id) => !there.has(id));
  if (absent.length > 0) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'settings.reservedCpus',
      problem: `host ${host} has no pCPU ${formatIntSet(absent)}`,
      expected: `some of its pCPUs: ${formatIntSet(there)}`,
    });
  }
  const memory = cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
  if (reservedBytes === undefined || reservedBytes === null || reservedBytes < memory) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'settings.reservedBytes',
    problem: `${formatSize(reservedBytes)} are to be kept of the ${formatSize(memory)} that host ${host} has`,
    expected: 'less than it has',
  });
}
