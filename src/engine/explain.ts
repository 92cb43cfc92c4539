import type { Change } from './changes/change.ts';
import type { BrokenLimit, HostRefusal, LimitName } from './refusal.ts';
import { counted } from './wording.ts';

/** Hosts that refuse for the same reasons. */
export interface RefusalGroup {
  readonly hosts: readonly string[];
  readonly checks: readonly BrokenLimit[];
}

/** Joins hosts that broke the same limits by the same numbers, in the order first seen. */
export function groupRefusals(refusals: readonly HostRefusal[]): readonly RefusalGroup[] {
  const groups = Map.groupBy(refusals, ({ checks }) =>
    JSON.stringify(checks.map(({ check, cell, need, have }) => [check, cell, need, have])),
  );
  return [...groups.values()].map((group) => ({
    hosts: group.map((refusal) => refusal.host),
    checks: group[0]?.checks ?? [],
  }));
}

/** One line: what stands in the way first, on how many hosts, and which host comes closest. */
export function summaryOf(vm: string, refusals: readonly HostRefusal[]): string {
  const [only] = refusals;
  if (only === undefined) return `there is no host to place ${vm} on`;
  if (refusals.length === 1) {
    const more = only.checks.length - 1;
    const rest = more === 0 ? '' : `, and ${counted(more, 'more limit')}`;
    return `${only.host}: ${only.checks[0]?.say ?? 'refused'}${rest}`;
  }
  const first = refusals.flatMap(({ host, checks }) =>
    checks.slice(0, 1).map((limit) => ({ host, limit })),
  );
  const kinds = [...Map.groupBy(first, ({ limit }) => limit.check).values()];
  const parts = kinds
    .toSorted((a, b) => b.length - a.length)
    .map((kind) => `${kind.length} for ${shortageOf(kind[0]?.limit)}${closest(kind)}`);
  return `none of ${refusals.length} hosts takes ${vm}: ${parts.join('; ')}`;
}

/**
 * The lines that tell a person why: the summary, each group of hosts with its limits and who holds
 * what is missing, then the changes that help. Plain text; nested lines are indented by two spaces.
 */
export function explainRefusal(refused: {
  readonly summary: string;
  readonly refusals: readonly HostRefusal[];
  readonly smallestChange: readonly Change[];
}): readonly string[] {
  const { summary, refusals, smallestChange } = refused;
  const changes = smallestChange.map(({ say }) => `  - ${say}`);
  return [
    summary,
    ...groupRefusals(refusals).flatMap(groupLines),
    changesHead(smallestChange),
    ...changes,
  ];
}

function changesHead([first]: readonly Change[]): string {
  if (first === undefined) return 'No single change would make it fit.';
  return first.kind === 'vcpus-and-memory' || first.kind === 'wishes'
    ? 'No single change would make it fit; these two together would:'
    : 'It would fit with any one of these:';
}

/** "too few free pCPUs": what a limit is about in two or three words, for a line over many hosts. */
function shortageOf(limit: BrokenLimit | undefined): string {
  return limit === undefined ? 'no reason' : SHORTAGES[limit.check];
}

const SHORTAGES: Readonly<Record<LimitName, string>> = {
  'host-excluded': 'not being asked for',
  'host-closed': 'taking no new VMs',
  'host-label': 'other labels',
  network: 'networks that are not there',
  affinity: 'VMs that are to be near it',
  'anti-affinity': 'VMs that are to be away from it',
  spread: 'having their share of VMs',
  'cpuset-missing': 'pCPUs of the cpuset that are not there',
  'cpuset-offline': 'pCPUs of the cpuset that are offline',
  'cpuset-reserved': 'pCPUs of the cpuset that are reserved',
  'nodeset-missing': 'cells of the nodeset that are not there',
  'nodeset-cpuset': 'a nodeset apart from the cpuset',
  'nodeset-cells': 'a nodeset apart from the guest cells',
  'host-cell': 'host cells that are not there',
  'emulator-cpus': "pCPUs for QEMU's own threads that cannot be had",
  'io-thread-cpus': 'pCPUs for I/O threads that cannot be had',
  cells: 'too few host cells',
  'preferred-cells': 'a memory policy for one cell',
  'emulator-pages': "huge pages out of QEMU's reach",
  smt: 'having no SMT',
  'whole-cores': 'vCPUs that are no whole cores',
  'free-pcpus': 'too few free pCPUs',
  'free-cores': 'too few free cores',
  'shared-pool': 'a shared pool that needs its pCPUs',
  'guest-vcpus': 'too few pCPUs to float over',
  'cpu-ratio': 'too many floating vCPUs',
  memory: 'too little memory to bind',
  'guest-memory': 'less memory than the guest wants',
  'ram-ratio': 'memory that other guests have',
  pci: 'too few free PCI functions',
  'pci-locality': 'PCI functions of other cells',
  'page-size': 'no pages of that size',
  pages: 'too few free huge pages',
};

/** How many names a line lists before it only counts the rest. */
const NAMES_SHOWN = 8;

function groupLines({ hosts, checks }: RefusalGroup): readonly string[] {
  return [`${shortList(hosts)}:`, ...checks.flatMap(limitLines)];
}

function limitLines({ say, heldBy }: BrokenLimit): readonly string[] {
  return heldBy.length === 0 ? [`  - ${say}`] : [`  - ${say}`, `    held by ${shortList(heldBy)}`];
}

function shortList(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? `${names.slice(0, NAMES_SHOWN).join(', ')} and ${more} more` : names.join(', ');
}

/** "(h2 comes closest: ...)", where the limit is a number. */
function closest(kind: readonly { readonly host: string; readonly limit: BrokenLimit }[]): string {
  const measured = kind.flatMap(({ host, limit }) =>
    typeof limit.have === 'number' && typeof limit.need === 'number'
      ? [{ host, say: limit.say, missing: limit.need - limit.have }]
      : [],
  );
  const [best] = measured.toSorted((a, b) => a.missing - b.missing);
  return best === undefined ? '' : ` (${best.host} comes closest: ${best.say})`;
}
