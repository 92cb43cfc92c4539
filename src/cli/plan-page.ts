import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { PlanView, WhyView } from '../api/resources.ts';
import { ageText } from './age.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
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

function refusalHead(plan: Refused, c: Painter): string {
  return `${c.bold(plan.vm)} ${c.red('cannot be placed')}: ${plan.summary}`;
}

function sections(plan: PlanView, c: Painter): readonly (readonly string[])[] {
  if (plan.placed) {
    return [placementLines(plan, c), reasonLines(plan.placement.reasons, c), scoreLines(plan, c)];
  }
  const hosts = plan.hosts.map((host) => hostRefusalLines(host, c));
  return [...hosts, changeLines(plan.smallestChange, c)];
}

function placementLines({ placement }: Placed, c: Painter): readonly string[] {
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

function hostRefusalLines(refusal: Refused['hosts'][number], c: Painter): readonly string[] {
  const columns = [
    { title: '  LIMIT' },
    { title: 'CELL' },
    { title: 'NEED', align: 'right' },
    { title: 'HAVE', align: 'right' },
    { title: 'HELD BY' },
  ] as const;
  const rows = refusal.checks.map((check) => [
    `  ${check.check}`,
    check.cell === undefined ? '-' : `${check.cell}`,
    amountText(check.need, check.unit),
    amountText(check.have, check.unit),
    check.heldBy.length === 0 ? '-' : check.heldBy.join(', '),
  ]);
  return [
    c.bold(refusal.host),
    ...refusal.checks.map((check) => `  ${check.say}`),
    ...tableLines(columns, rows, c.dim),
  ];
}

function amountText(amount: number | string, unit: string | undefined): string {
  if (typeof amount === 'number' && unit === 'bytes') {
    return amount < 1 ? '0 B' : formatSize(amount);
  }
  return unit === undefined ? `${amount}` : `${amount} ${unit}`;
}

function changeLines(changes: Refused['smallestChange'], c: Painter): readonly string[] {
  if (changes.length === 0) return [];
  return [c.bold('it would fit if'), ...changes.map((change) => `  - ${change.say}`)];
}

function page(parts: readonly (readonly string[])[]): string {
  const shown = parts.filter((part) => part.length > 0);
  return `${shown.map((part) => part.join('\n')).join('\n\n')}\n`;
}
