import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import { TERM_MEANINGS } from '../engine/policy/policy.ts';
import type { PlanView, WhyView } from '../api/resources.ts';
import { ageText } from './age.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import type { GroupPlan } from './plan-offline.ts';
import { tableLines } from './table.ts';
import { reasonLines } from './vm-page.ts';

type Placed = Extract<PlanView, { placed: true }>;
type Refused = Extract<PlanView, { placed: false }>;
type Painter = ReturnType<typeof painter>;

/** The text of `plan`: where a VM would sit, or every limit that stands in the way. */
export function planPage(view: PlanView, look: Look): string {
  const plan = printable(view);
  const c = painter(look);
  const head = plan.placed
    ? `${c.bold(plan.vm)} ${c.green('fits')} on ${plan.placement.host}`
    : refusalHead(plan, c);
  return page([[head], ...sections(plan, c)]);
}

/** The text of `why`: the same of a decision that was made. */
export function whyPage(view: WhyView, look: Look, now: number): string {
  const { plan, decidedAt } = printable(view);
  const c = painter(look);
  const when = decidedAt === undefined ? '' : c.dim(`, decided ${ageText(decidedAt, now)}`);
  const head = plan.placed
    ? `${c.bold(plan.vm)} sits on ${plan.placement.host}${when}`
    : `${refusalHead(plan, c)}${when}`;
  return page([[head], ...sections(plan, c)]);
}

/** How much is told of several VMs. */
export interface PlanDetail {
  /** All that was decided of each, not a line. */
  readonly isVerbose: boolean;
}

/** The text of a plan of several VMs together. */
export function groupPage(view: GroupPlan, look: Look, { isVerbose }: PlanDetail): string {
  const plan = printable(view);
  const c = painter(look);
  if (!plan.placed) {
    const beside = plan.beside.map(({ vm, host }) => `  ${vm} on ${host}`);
    const head = [refusalHead(plan, c), 'none of the group is placed'];
    const placed = beside.length === 0 ? [] : [c.bold('these had a place beside it'), ...beside];
    return page([head, placed, ...sections(plan, c)]);
  }
  const head = `${plan.placements.length} VMs ${c.green('fit')} together`;
  if (!isVerbose) return page([[head, ...plan.placements.map((member) => seatLine(member, c))]]);
  const members = plan.placements.map((member) => [
    `${c.bold(member.vm)} on ${member.placement.host}`,
    ...placementLines(member, c),
  ]);
  return page([[head], ...members]);
}

/** Where a new VM would sit, in a line: `web1 -> kv1 cell 0, shared`. */
export function seatLine({ vm, placement }: Pick<Placed, 'vm' | 'placement'>, c: Painter): string {
  const { host, cells, policy } = placement;
  const cell = cells.length === 1 ? 'cell' : 'cells';
  const where = cells.length === 0 ? 'any cell' : `${cell} ${formatIntSet(cells)}`;
  return `${c.bold(vm)} -> ${host} ${where}, ${policy}`;
}

/** A new VM among several: the meaning of the terms is told once, by `legendOf`. */
export function planPart(view: PlanView, look: Look): string {
  const plan = printable(view);
  const c = painter(look);
  if (!plan.placed) return planPage(plan, look);
  const head = `${c.bold(plan.vm)} ${c.green('fits')} on ${plan.placement.host}`;
  return page([[head], ...placedSections(plan, c)]);
}

/** What the terms of scores mean, those of all plans together. */
export function legendOf(plans: readonly PlanView[], look: Look): readonly string[] {
  const placed = plans.filter((plan) => plan.placed);
  const terms = placed.flatMap(({ score }) => score.terms);
  return meaningLines(terms, painter(look));
}

function refusalHead(plan: Refused, c: Painter): string {
  return `${c.bold(plan.vm)} ${c.red('cannot be placed')}: ${plan.summary}`;
}

function sections(plan: PlanView, c: Painter): readonly (readonly string[])[] {
  if (plan.placed) return [...placedSections(plan, c), meaningLines(plan.score.terms, c)];
  const hosts = alike(plan.hosts).map((group) => groupLines(group, c));
  return [...hosts, changeLines(plan.smallestChange, c)];
}

function placedSections(plan: Placed, c: Painter): readonly (readonly string[])[] {
  return [placementLines(plan, c), reasonLines(plan.placement.reasons, c), scoreLines(plan, c)];
}

function placementLines({ placement }: Pick<Placed, 'placement'>, c: Painter): readonly string[] {
  const { guestTopology: guest } = placement;
  const memory = placement.memory.map(
    (share) =>
      `${formatSize(share.bytes)} ${share.cell === undefined ? 'anywhere' : `on cell ${share.cell}`}` +
      (share.pageKiB > 4 ? ` in ${formatSize(share.pageKiB * 1024)} pages` : ''),
  );
  const facts = [
    ['cells', placement.cells.length === 0 ? 'any' : formatIntSet(placement.cells)],
    ['vCPUs', vcpusText(placement)],
    ['emulator', formatIntSet(placement.emulator)],
    ...ioThreadFacts(placement),
    ...(placement.blocked.length === 0 ? [] : [['kept idle', formatIntSet(placement.blocked)]]),
    ['memory', memory.join(', ')],
    ['policy', `${placement.policy}, memory ${placement.memoryMode ?? 'not bound'}`],
    [
      'guest sees',
      `${guest.sockets} x ${guest.dies} x ${guest.cores} x ${guest.threads} (sockets, dies, cores, threads)`,
    ],
  ];
  return facts.map(([name = '', value = '']) => `  ${c.dim(name.padEnd(11))}${value}`);
}

function ioThreadFacts({ ioThreads = [] }: Placed['placement']): readonly (readonly string[])[] {
  if (ioThreads.length === 0) return [];
  const seats = ioThreads.map(({ id, pcpus }) => `${id} on ${formatIntSet(pcpus)}`);
  return [['I/O threads', seats.join(', ')]];
}

/** `0 on 4, 1 on 12`; vCPUs that all float over the same pCPUs are told once. */
function vcpusText({ vcpus }: Placed['placement']): string {
  const sets = new Set(vcpus.map((seat) => formatIntSet(seat.pcpus)));
  const [only] = sets;
  if (sets.size === 1 && vcpus.length > 1) {
    return `${formatIntSet(vcpus.map((seat) => seat.vcpu))} float over pCPUs ${only}`;
  }
  return vcpus.map((seat) => `${seat.vcpu} on ${formatIntSet(seat.pcpus)}`).join(', ');
}

/** Each consideration with its value here and on the next best host. */
function scoreLines(plan: Placed, c: Painter): readonly string[] {
  const { score, runnerUp } = plan;
  const rivals = runnerUp === undefined ? [] : [runnerUp];
  const columns = [
    { title: 'SCORE' },
    { title: 'WEIGHT', align: 'right' },
    { title: plan.placement.host, align: 'right' },
    ...rivals.map(({ host }) => ({ title: host, align: 'right' }) as const),
  ] as const;
  const rows = score.terms.map((term) => [
    term.name,
    `${term.weight}`,
    term.value.toFixed(2),
    ...rivals.map(({ score: other }) => {
      const same = other.terms.find(({ name }) => name === term.name);
      return same === undefined ? '-' : same.value.toFixed(2);
    }),
  ]);
  const total = [
    'total',
    '',
    score.total.toFixed(2),
    ...rivals.map(({ score: other }) => other.total.toFixed(2)),
  ];
  return tableLines(columns, [...rows, total], c.dim);
}

/** What the terms of a score mean, each in a line; a server may know terms that this program does not. */
function meaningLines(terms: Placed['score']['terms'], c: Painter): readonly string[] {
  const meanings = new Map<string, string>(Object.entries(TERM_MEANINGS));
  const names = new Set(terms.map(({ name }) => name));
  const known = [...names].flatMap((name) => {
    const meaning = meanings.get(name);
    return meaning === undefined ? [] : [{ name, meaning }];
  });
  const width = Math.max(0, ...known.map(({ name }) => name.length));
  return known.map(({ name, meaning }) => c.dim(`${name.padEnd(width)}  ${meaning}`));
}

/** Hosts that refuse for the same reasons, and those reasons. */
interface Alike {
  readonly hosts: readonly string[];
  readonly checks: readonly (Check & { readonly holders: readonly string[] })[];
}

type Check = Refused['hosts'][number]['checks'][number];

/** Joins hosts that broke the same limits by the same numbers, the largest groups first. */
function alike(hosts: Refused['hosts']): readonly Alike[] {
  const groups = Map.groupBy(hosts, ({ checks }) =>
    JSON.stringify(checks.map(({ check, cell, need, have }) => [check, cell, need, have])),
  );
  return [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .map((group) => ({
      hosts: group.map(({ host }) => host),
      checks: (group[0]?.checks ?? []).map((check, index) => ({
        ...check,
        holders: group.flatMap(({ checks }) => checks[index]?.heldBy ?? []),
      })),
    }));
}

function groupLines({ hosts, checks }: Alike, c: Painter): readonly string[] {
  const columns = [
    { title: '  LIMIT' },
    { title: 'CELL' },
    { title: 'NEED', align: 'right' },
    { title: 'HAVE', align: 'right' },
    { title: 'HELD BY' },
  ] as const;
  const rows = checks.map((check) => [
    `  ${check.check}`,
    check.cell === undefined ? '-' : `${check.cell}`,
    amountText(check.need, check.unit),
    amountText(check.have, check.unit),
    check.holders.length === 0 ? '-' : shortList(check.holders),
  ]);
  const [only = ''] = hosts;
  const head = hosts.length === 1 ? only : `${thousands(hosts.length)} hosts: ${shortList(hosts)}`;
  return [
    c.bold(head),
    ...checks.map((check) => `  ${check.say}`),
    ...tableLines(columns, rows, c.dim),
  ];
}

/** How many names a line lists before it only counts the rest. */
const NAMES_SHOWN = 8;

function shortList(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return more > 0 ? `${shown} and ${thousands(more)} more` : shown;
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}

function amountText(amount: number | string, unit: string | undefined): string {
  if (typeof amount === 'number' && unit === 'bytes') {
    return amount < 1 ? '0 B' : formatSize(amount);
  }
  return unit === undefined ? `${amount}` : `${amount} ${unit}`;
}

function changeLines(changes: Refused['smallestChange'], c: Painter): readonly string[] {
  if (changes.length === 0) return [];
  return [c.bold('it would fit if you'), ...changes.map((change) => `  - ${change.say}`)];
}

function page(parts: readonly (readonly string[])[]): string {
  const shown = parts.filter((part) => part.length > 0);
  return `${shown.map((part) => part.join('\n')).join('\n\n')}\n`;
}
