import type { Change } from './change.ts';
import type { BrokenLimit, HostRefusal } from './refusal.ts';
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
    .map((kind) => `${kind.length} for ${kind[0]?.limit.check ?? ''}${closest(kind)}`);
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
  const changes =
    smallestChange.length === 0
      ? ['No single change would make it fit.']
      : ['It would fit with any one of these:', ...smallestChange.map(({ say }) => `  - ${say}`)];
  return [summary, ...groupRefusals(refusals).flatMap(groupLines), ...changes];
}

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
