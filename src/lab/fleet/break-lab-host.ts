import { berthError } from '../../base/errors.ts';
import type { HostTopology } from '../../model/topology.ts';
import { breakHost, mendHost } from '../fault/break-host.ts';
import { parseFault } from '../fault/fault.ts';
import { findFaultTarget } from './fault-target-of.ts';
import { cacheOf } from './lab-folder.ts';
import type { LabHostInfo } from './lab-info.ts';
import { findLabHost } from './find-lab-host.ts';
import { findLab } from './list-labs.ts';

/** Which host of which home is meant. */
export interface LabHostPlace {
  readonly home: string;
  readonly host: string;
  /** This machine's topology, which hosts show that show no other. */
  readonly own: HostTopology;
}

/**
 * Breaks a host of a lab.
 * @param words a fault as it is typed: `network-delay 50`.
 * @returns the host as it is now.
 * @throws BERTH_NOT_FOUND (host, fault), BERTH_SPEC_INVALID (its parameter), BERTH_CONFLICT when the
 *   host does not run or cannot be broken so, BERTH_BUSY, and what breakHost does.
 */
export async function breakLabHost(
  place: LabHostPlace,
  words: readonly string[],
  signal: AbortSignal,
): Promise<LabHostInfo> {
  const fault = parseFault(words);
  const target = await findFaultTarget(place.home, place.host, cacheOf(place.home));
  await breakHost(target, fault, { signal });
  return hostNow(place);
}

/**
 * Mends a host of a lab.
 * @param fault what to mend; absent: everything that is broken.
 * @returns the host as it is now.
 * @throws as mendHost says; BERTH_CONFLICT when the host does not run.
 */
export async function mendLabHost(
  place: LabHostPlace,
  fault: string | undefined,
  signal: AbortSignal,
): Promise<LabHostInfo> {
  const target = await findFaultTarget(place.home, place.host, cacheOf(place.home));
  await mendHost(target, fault, { signal });
  return hostNow(place);
}

async function hostNow({ home, host, own }: LabHostPlace): Promise<LabHostInfo> {
  const { lab } = await findLabHost(home, host);
  const { hosts } = await findLab(home, lab.name, own);
  const found = hosts.find(({ name }) => name === host);
  if (found !== undefined) return found;
  throw berthError('BERTH_NOT_FOUND', { kind: 'host of a lab', name: host, known: [] });
}
