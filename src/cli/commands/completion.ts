import type { Command } from 'commander';
import { Argument } from 'commander';
import { isBerthError } from '../../base/errors.ts';
import type { NameKind } from '../complete.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

/** Shells give up on slow completions; names that take longer than this are left out. */
const NAMES_MS_MAX = 1500;

/** `completion`, and the hidden command that the scripts ask at every Tab. */
export function registerCompletion(program: Command, session: Session): void {
  leaf(program, 'completion', {
    does: 'Print a script that completes commands, options and names at Tab',
    examples: [
      ['source <(berth completion bash)', 'for this bash; put it into ~/.bashrc to keep it'],
      ['berth completion zsh > "${fpath[1]}/_berth"', 'for zsh'],
      ['berth completion fish > ~/.config/fish/completions/berth.fish', 'for fish'],
    ],
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { SCRIPTS } = await import('../completion-scripts.ts');
      const script = SCRIPTS[shell];
      await session.answer({ shell, script }, () => script);
    });
  program
    .command('__complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: readonly string[]) => printCompletion(program, session, words));
}

/** Prints one candidate per line; `:files` asks the shell to complete file names. */
async function printCompletion(
  program: Command,
  session: Session,
  words: readonly string[],
): Promise<void> {
  const { complete } = await import('../complete.ts');
  const completion = complete(program, words);
  const typed = words.at(-1) ?? '';
  const names = completion.names === undefined ? [] : await namesOf(session, completion.names);
  const candidates = [...completion.words, ...names.filter((name) => name.startsWith(typed))];
  const lines = completion.files === true ? [':files'] : candidates;
  await session.print(lines.map((line) => `${line}\n`).join(''));
}

/** Names as they are now; none when nobody can tell, because a Tab must not print errors. */
async function namesOf(session: Session, kind: NameKind): Promise<readonly string[]> {
  const signal = AbortSignal.any([session.ports.leave, AbortSignal.timeout(NAMES_MS_MAX)]);
  try {
    const { printableText } = await import('../printable.ts');
    const lists = { ...serverNames(session, signal), ...labNames(session) };
    return (await lists[kind]()).map(printableText);
  } catch (error) {
    if (isBerthError(error) || signal.aborted) return [];
    throw error;
  }
}

type Names = () => Promise<readonly string[]>;

function serverNames(
  session: Session,
  signal: AbortSignal,
): Readonly<Record<'vm' | 'host' | 'operation', Names>> {
  return {
    vm: async () => (await (await session.client()).vms({}, signal)).map((vm) => vm.name),
    host: async () => (await (await session.client()).hosts(signal)).map((host) => host.name),
    operation: async () => (await (await session.client()).operations(signal)).map(({ id }) => id),
  };
}

function labNames({
  ports: { lab },
}: Session): Readonly<Record<Exclude<NameKind, 'vm' | 'host' | 'operation'>, Names>> {
  const labs = async (): Promise<readonly string[]> => (await lab.list()).map(({ name }) => name);
  const hosts = async (): Promise<readonly string[]> =>
    (await lab.list()).flatMap((one) => one.hosts.map(({ name }) => name));
  return {
    lab: labs,
    'lab-host': hosts,
    'lab-target': async () => [...(await labs()), ...(await hosts())],
    machine: async () => (await lab.machines()).map(({ name }) => name),
    fault: async () => (await lab.faults()).map(({ name }) => name),
  };
}
