import type { Command } from 'commander';
import type { VmView } from '../../api/resources.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { berthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import type { VmFlags } from '../vm-flags.ts';
import { leaf } from './leaf.ts';
import { addSizeFlags, answerWithVm } from './vm.ts';

interface SetFlags extends VmFlags {
  readonly restart?: true;
  readonly force?: true;
  readonly json?: true;
}

/** `vm set|label|adopt`. */
export function registerVmChanges(vm: Command, session: Session): void {
  addSizeFlags(
    leaf(vm, 'set <name>', {
      does: 'Change a VM where it is; a guest that runs has most of it at its next start',
      examples: [
        ['berth vm set web --cpus 4 --memory 4GiB', 'written down now, there at its next start'],
        ['berth vm set web --cpus 4 --restart', 'stopped and started for it'],
        ["berth vm set web --cpuset ''", 'an empty value takes a setting out'],
      ],
    }),
  )
    .option('--restart', 'stop and start the guest, so that it has the change at once')
    .option('--force', 'with --restart: end the guest without asking it')
    .action(async (name: string, flags: SetFlags) => setVm(session, name, flags));
  leaf(vm, 'label <name> <labels...>', {
    does: 'Change labels of a VM, at once; a domain that was there before is adopted by it',
    examples: [
      ['berth vm label web app=shop tier=gold', 'sets two'],
      ['berth vm label web tier-', 'takes one away'],
    ],
  }).action(async (name: string, labels: readonly string[]) => labelVm(session, name, labels));
  leaf(vm, 'adopt <name> [labels...]', {
    does: 'Manage a domain that was there before, as it is: only labels are written to it',
    examples: [
      ['berth vm adopt old', 'nothing of it changes; its disks are never deleted'],
      ['berth vm adopt old app=shop', 'with a label'],
    ],
  }).action(async (name: string, labels: readonly string[]) => adoptVm(session, name, labels));
}

async function setVm(session: Session, name: string, flags: SetFlags): Promise<void> {
  const { restart, force, json: _, ...values } = flags;
  if (Object.keys(values).length === 0) throw usage('nothing to change is given', 'set');
  if (force === true && restart !== true) throw usage('--force goes with --restart', 'set');
  const client = await session.client();
  const { managed, adopted, spec } = await client.vm(name, session.ports.signal);
  if (!managed || adopted === true) {
    throw berthError('BERTH_CONFLICT', {
      what: `change ${name}`,
      why: 'Berth did not make it, and keeps it as it is',
      remedy: `change it with: virsh edit ${name}`,
    });
  }
  if (spec === undefined) {
    throw berthError('BERTH_CONFLICT', {
      what: `change ${name}`,
      why: 'the document in its metadata is lost',
      remedy: 'give it one anew with: berth apply -f FILE',
    });
  }
  const { changedByFlags } = await import('../vm-flags.ts');
  // What the server keeps of a VM of its own was checked as a document.
  const document = changedByFlags(spec as VmDocument, values);
  const options = { restart: restart === true, force: force === true };
  const operation = await client.updateVm(document, options, session.ports.leave);
  await answerWithVm(session, operation, changedText);
}

async function labelVm(session: Session, name: string, words: readonly string[]): Promise<void> {
  const labels = Object.fromEntries(words.map((word) => labelOf(word, 'label')));
  const operation = await (await session.client()).labelVm(name, labels, session.ports.leave);
  await answerWithVm(session, operation, labelledText);
}

async function adoptVm(session: Session, name: string, words: readonly string[]): Promise<void> {
  const pairs = words.map((word) => labelOf(word, 'adopt'));
  const labels = Object.fromEntries(
    pairs.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
  const operation = await (await session.client()).adoptVm(name, labels, session.ports.leave);
  await answerWithVm(session, operation, (vm) => `${vm.name} is managed now\n${labelledText(vm)}`);
}

/** What of a change holds already, and what the guest gets at its next start. */
function changedText({ name, host, state, pending = [] }: VmView): string {
  if (pending.length === 0) return `${name} is changed, and ${state} on ${host}\n`;
  const changes = pending.map(
    ({ path, before = 'none', after = 'none' }) => `  ${path} ${before} -> ${after}\n`,
  );
  return `${name} is ${state} on ${host}; at its next start:\n${changes.join('')}`;
}

function labelledText({ name, labels }: VmView): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `labels of ${name}: ${pairs.length === 0 ? 'none' : pairs.join(' ')}\n`;
}

/** `key=value`, or `key-` for one that is to go. */
function labelOf(word: string, command: string): readonly [string, string | null] {
  const at = word.indexOf('=');
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  if (at === -1 && word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), null];
  throw usage(`"${word}" is neither KEY=VALUE nor KEY-`, command);
}

function usage(problem: string, command: string): Error {
  return berthError('BERTH_USAGE', { problem, usage: `see: berth vm ${command} --help` });
}
