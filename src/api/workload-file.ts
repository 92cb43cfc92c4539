import { z } from 'zod';
import { berthError } from '../base/errors.ts';
import { KIB, MIB } from '../base/units.ts';
import type { Arrival, Flavor } from '../model/arrival.ts';
import type { HostSnapshot } from '../model/host.ts';
import { MACHINE_CELLS_MAX, MACHINE_CPUS_MAX } from '../model/machine-description.ts';
import { VM_NAME, VM_VCPUS_MAX } from '../model/vm-spec.ts';
import { backwards } from './csv.ts';
import { MIB_MAX } from './csv-number.ts';
import { noHosts } from './fleet-host.ts';
import { parseJsonFile } from './json-file.ts';
import { pathText, specError } from './schema-error.ts';
import { WORKLOAD_HOSTS_MAX, workloadHosts } from './workload-hosts.ts';

/** A fleet and what is asked of it, in the order in which it is asked. */
export interface Workload {
  readonly hosts: readonly HostSnapshot[];
  readonly arrivals: readonly Arrival[];
}

const whole = z.number().int().nonnegative();
const natural = z.number().int().min(1);
const seconds = z.number().nonnegative();

const cell = z.strictObject({
  cpus: z.array(z.array(whole.max(MACHINE_CPUS_MAX - 1)).min(1)),
  shared: z.array(whole).optional(),
  memoryMiB: whole.max(MIB_MAX),
  hugepages: z
    .array(z.strictObject({ sizeKiB: z.number().int().min(8), total: whole }))
    .default([]),
});

const host = z.strictObject({
  name: z.string().regex(VM_NAME, 'must be a name of letters, digits, dots and dashes'),
  count: natural.max(WORKLOAD_HOSTS_MAX).default(1),
  cells: z.array(cell).min(1).max(MACHINE_CELLS_MAX),
});

const flavor = z.strictObject({
  name: z.string().min(1),
  vcpus: natural.max(VM_VCPUS_MAX),
  memoryMiB: natural.max(MIB_MAX),
  cpuPolicy: z.enum(['dedicated', 'shared']),
  numaNodes: natural.max(MACHINE_CELLS_MAX).nullable(),
  pageSize: z.enum(['small', '2MB', '1GB']).nullable(),
});

/** The keys of a workload; those after `requests` are remarks of whoever made it. */
const workloadDocument = z.strictObject({
  ratios: z.strictObject({ cpu: z.number().positive(), ram: z.number().positive() }),
  hosts: z.array(host),
  flavors: z.array(flavor),
  requests: z.array(z.tuple([whole, seconds, seconds.nullable()])),
  kind: z.unknown().optional(),
  seed: z.unknown().optional(),
  offeredCpuLoad: z.unknown().optional(),
  offeredDedicatedCpuLoad: z.unknown().optional(),
  targetLiveVms: z.unknown().optional(),
  steadyFrom: z.unknown().optional(),
});

type WorkloadDocument = z.output<typeof workloadDocument>;

const workloadFleet = workloadDocument.pick({ ratios: true, hosts: true });

/** What of a workload says which hosts there are. */
export type WorkloadFleet = z.output<typeof workloadFleet>;

/**
 * The hosts of a workload, whatever else stands in it.
 * @throws BERTH_SPEC_INVALID naming the path of what is wrong, BERTH_TOO_LARGE for too many hosts.
 */
export function parseWorkloadFleet({
  ratios,
  hosts,
}: Readonly<Record<string, unknown>>): readonly HostSnapshot[] {
  const result = workloadFleet.safeParse({ ratios, hosts });
  if (!result.success) throw specError(result.error.issues);
  return workloadHosts(result.data);
}

/**
 * Reads a workload: one JSON object with `ratios`, `hosts`, `flavors` and `requests`, as
 * docs/simulate.md describes it.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID naming the path of what is wrong, and the line of what is not JSON;
 *   BERTH_TOO_LARGE for too many hosts.
 */
export function parseWorkload(text: string, where: string): Workload {
  return parseJsonFile(text, where, (value) => {
    const result = workloadDocument.safeParse(value);
    if (!result.success) throw specError(result.error.issues);
    const hosts = workloadHosts(result.data);
    if (hosts.length === 0) throw noHosts('hosts');
    const flavors = result.data.flavors.map(readFlavor);
    return { hosts, arrivals: readRequests(result.data.requests, flavors) };
  });
}

const PAGE_KIB = { small: 4, '2MB': 2 * KIB, '1GB': KIB * KIB } as const;

/** Resources are split evenly over the guest cells, so they must come out whole. */
function readFlavor(document: WorkloadDocument['flavors'][number], index: number): Flavor {
  const { name, vcpus, memoryMiB, cpuPolicy, numaNodes, pageSize } = document;
  const parts = numaNodes ?? 1;
  const pageKiB = pageSize === null ? undefined : PAGE_KIB[pageSize];
  if (vcpus % parts !== 0) {
    throw wrong(['flavors', index, 'vcpus'], {
      problem: `${vcpus} vCPUs cannot be split evenly over ${parts} guest cells`,
      expected: `a multiple of ${parts}`,
    });
  }
  if ((memoryMiB * KIB) % (parts * (pageKiB ?? 4)) !== 0) {
    throw wrong(['flavors', index, 'memoryMiB'], {
      problem: `${memoryMiB} MiB are not whole pages of ${pageKiB ?? 4} KiB on each of ${parts} guest cells`,
      expected: `a multiple of ${(parts * (pageKiB ?? 4)) / KIB} MiB`,
    });
  }
  const hasLayout = cpuPolicy === 'dedicated' || numaNodes !== null || pageSize !== null;
  return {
    name,
    vcpus,
    memoryBytes: memoryMiB * MIB,
    policy: cpuPolicy,
    cells: hasLayout ? parts : 'none',
    ...(pageKiB === undefined ? {} : { pageKiB }),
  };
}

function readRequests(
  requests: WorkloadDocument['requests'],
  flavors: readonly Flavor[],
): readonly Arrival[] {
  let before = 0;
  return requests.map(([flavorIndex, at, until], row) => {
    const wanted = flavors[flavorIndex];
    if (wanted === undefined) {
      throw wrong(['requests', row, 0], {
        problem: `there is no flavor ${flavorIndex}`,
        expected:
          flavors.length === 0
            ? 'flavors that requests are of'
            : `an index from 0 to ${flavors.length - 1}`,
      });
    }
    if (at < before) {
      throw wrong(['requests', row, 1], backwards(at, before));
    }
    if (until !== null && until < at) {
      throw wrong(['requests', row, 2], {
        problem: `the guest is deleted at ${until} s, before it comes at ${at} s`,
        expected: `at least ${at}, or null`,
      });
    }
    before = at;
    return { at, ...(until === null ? {} : { until }), flavor: wanted };
  });
}

function wrong(
  path: readonly (string | number)[],
  verdict: { readonly problem: string; readonly expected: string },
): Error {
  return berthError('BERTH_SPEC_INVALID', { where: pathText(path), ...verdict });
}
