import type { Command } from 'commander';
import type { HostChange } from '../../api/host-change.ts';
import { berthError } from '../../base/errors.ts';
import { parseIntSet } from '../../base/int-set.ts';
import { parseSize } from '../../base/units.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

/** What flags say of a host; each of the settings may be the word `default`. */
export interface HostFlags {
  readonly label?: readonly string[];
  readonly cpuRatio?: string;
  readonly ramRatio?: string;
  readonly reserveCpus?: string;
  readonly reserveMemory?: string;
}

/** Puts a setting back to what it is where nobody has said anything. */
const DEFAULT = 'default';

/** Adds the flags that say something of a host. */
export function addHostFlags(command: Command): Command {
  return command
    .option('--cpu-ratio <ratio>', 'floating vCPUs per pCPU, such as 8; default: 16')
    .option('--ram-ratio <ratio>', 'guest memory per host memory, such as 1.2; default: 1.5')
    .option('--reserve-cpus <set>', 'pCPUs on which no guest runs, such as 0-1')
    .option('--reserve-memory <size>', 'memory kept free for the host, such as 4GiB');
}

/** Collects a flag that may be given several times. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The change that the flags ask for. @throws BERTH_USAGE, BERTH_SPEC_INVALID */
export function changeOfFlags(flags: HostFlags): HostChange {
  const { label = [], cpuRatio, ramRatio, reserveCpus, reserveMemory } = flags;
  const settings = {
    ...setting('cpuRatio', cpuRatio, (text) => numberOf('--cpu-ratio', text)),
    ...setting('ramRatio', ramRatio, (text) => numberOf('--ram-ratio', text)),
    ...setting('reservedCpus', reserveCpus, (text) => [...parseIntSet(text, '--reserve-cpus')]),
    ...setting('reservedBytes', reserveMemory, (text) => parseSize(text, '--reserve-memory')),
  };
  return {
    ...(label.length === 0 ? {} : { labels: labelsOf(label) }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
}

/** `host label|set|cordon|uncordon`. */
export function registerHostSettings(host: Command, session: Session): void {
  leaf(host, 'label <name> <labels...>', {
    does: 'Give a host labels, or take them away',
    examples: [
      ['berth host label kvm1 zone=a rack=7', 'VMs can ask for hosts with these'],
      ['berth host label kvm1 rack-', 'takes the label away'],
    ],
  }).action(async (name: string, labels: readonly string[]) =>
    change(session, name, { labels: labelsOf(labels) }),
  );
  const set = leaf(host, 'set [name]', {
    does: 'Set how far a host is overcommitted and what is kept for itself',
    examples: [
      ['berth host set kvm1 --cpu-ratio 4 --reserve-cpus 0-1', 'one host'],
      ['berth host set --selector zone=a --ram-ratio 1', 'every host that matches now'],
      ['berth host set kvm1 --cpu-ratio default', 'as if nobody had set it'],
    ],
  });
  addHostFlags(
    set.option('--selector <labels>', 'every host with these labels, such as zone=a'),
  ).action(async (name: string | undefined, flags: HostFlags & { readonly selector?: string }) =>
    setHosts(session, name, flags),
  );
  leaf(host, 'cordon <name>', {
    does: 'Keep new VMs away from a host; those that are there stay',
    examples: [['berth host cordon kvm1', 'before it is repaired']],
  }).action(async (name: string) => change(session, name, { settings: { schedulable: false } }));
  leaf(host, 'uncordon <name>', {
    does: 'Let new VMs come to a host again',
    examples: [['berth host uncordon kvm1', 'after it was repaired']],
  }).action(async (name: string) => change(session, name, { settings: { schedulable: null } }));
}

async function change(session: Session, name: string, wanted: HostChange): Promise<void> {
  const host = await (await session.client()).changeHost(name, wanted, session.ports.signal);
  await session.answer(host, async () => {
    const { hostLine } = await import('../host-page.ts');
    return hostLine(host);
  });
}

async function setHosts(
  session: Session,
  name: string | undefined,
  { selector, ...flags }: HostFlags & { readonly selector?: string },
): Promise<void> {
  const wanted = changeOfFlags(flags);
  if ((name === undefined) === (selector === undefined)) {
    throw usage('name one host, or several by --selector', 'berth host set NAME --cpu-ratio 8');
  }
  if (Object.keys(wanted).length === 0) {
    throw usage('nothing is to be set', 'berth host set NAME --cpu-ratio 8');
  }
  if (name !== undefined) return change(session, name, wanted);
  const client = await session.client();
  const hosts = await client.changeHosts(selector ?? '', wanted, session.ports.signal);
  await session.answer({ hosts }, async () => {
    const { printable } = await import('../printable.ts');
    return hosts.length === 0 ? 'no host matches\n' : `set ${printable(hosts).join(', ')}\n`;
  });
}

/** `zone=a` sets a label, `zone-` takes it away. */
function labelsOf(texts: readonly string[]): NonNullable<HostChange['labels']> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      if (at === -1 && text.length > 1 && text.endsWith('-')) return [text.slice(0, -1), null];
      throw usage(`"${text}" is no label`, 'zone=a sets one, zone- takes it away');
    }),
  );
}

function setting<K extends string, T>(
  key: K,
  text: string | undefined,
  read: (text: string) => T,
): { readonly [P in K]?: T | null } {
  if (text === undefined) return {};
  const value = text === DEFAULT ? null : read(text);
  return { [key]: value } as { readonly [P in K]?: T | null };
}

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw usage(`${flag} ${text} is no number`, `${flag} 8, or ${flag} default`);
}

function usage(problem: string, how: string): Error {
  return berthError('BERTH_USAGE', { problem, usage: how });
}
