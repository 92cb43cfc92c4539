import type { BenchCell } from '../table.ts';

/** Where the figures are from. */
export const PEERS_SOURCE =
  'Rows "(published)" are the figures of peers that come with the workloads (BASELINES.md there), taken over and not measured here: two cores, Python 3.11; first-fit and best-fit per cell, and the library code and weighers of OpenStack Nova 26, whose whole filter path is two to three times slower than its library code.';

/** Placer, first refusal, refused requests, refused vCPUs in %, hosts in use, decisions per s. */
type PeerRow = readonly [string, BenchCell, BenchCell, BenchCell, BenchCell, BenchCell];

const BY_WORKLOAD: Readonly<Record<string, readonly PeerRow[]>> = {
  fading: [
    ['first-fit (published)', 1191, null, 32.34, null, null],
    ['best-fit (published)', 1184, null, 32.73, null, null],
    ['Nova, pack (published)', 1192, null, 32.3, null, '143 to 203'],
    ['Nova, spread (published)', 706, null, 32.39, null, '143 to 203'],
  ],
  churn: [
    ['first-fit (published)', null, 184, 2.64, 994.6, '12,000'],
    ['best-fit (published)', null, 0, 0, 949.7, '1,300'],
    ['Nova, pack (published)', null, 0, 0, 949.8, '6.6 to 9.4'],
    ['Nova, spread (published)', null, 1410, 'about 20', 1000, '6.6 to 9.4'],
  ],
  mixed: [
    ['first-fit (published)', null, 77, 4.31, null, null],
    ['best-fit (published)', null, 103, 5.85, null, null],
    ['Nova, pack (published)', null, 153, 7.92, null, '66 to 105'],
    ['Nova, spread (published)', null, 434, 17.26, null, '66 to 105'],
  ],
};

/** What peers reached on a workload. */
export function peerRows(workload: string): readonly PeerRow[] {
  return BY_WORKLOAD[workload] ?? [];
}

/** What Nova takes for a guest of eight cells on a host where seven fit, as published with them. */
export const NOVA_REFUSAL_US = 132_000;
