import type { Command } from 'commander';
import { berthError, isBerthError } from '../base/errors.ts';
import { reasonOf } from '../base/undo.ts';
import type { CliPorts, ExitStatus } from './ports.ts';
import { BrokenPipe, OutputFull, Session } from './session.ts';

/**
 * Runs one command line to its end and says what to exit with. Never throws, never exits, and
 * touches the world through the ports only. What a command needs is loaded when it runs, so that
 * the light ones stay fast.
 */
export async function runCli(argv: readonly string[], ports: CliPorts): Promise<ExitStatus> {
  const session = new Session(ports, { json: wantsJson(argv) });
  // Without a listener a reader who has gone would end the process with a stack trace; the
  // failed write itself is seen where it was made.
  const ignore = (): void => {};
  ports.stdout.on('error', ignore);
  ports.stderr.on('error', ignore);
  try {
    await run(argv, session);
    return session.status;
  } catch (error) {
    return await failed(error, session).catch((second: unknown) => {
      if (second instanceof BrokenPipe) return 1;
      if (second instanceof OutputFull) return failed(second, session);
      throw second;
    });
  } finally {
    ports.stdout.off('error', ignore);
    ports.stderr.off('error', ignore);
  }
}

async function run(argv: readonly string[], session: Session): Promise<void> {
  const [first] = argv;
  if (first === '--version' || first === '-V') {
    const { version } = session.ports;
    await session.answer({ version }, () => `${version}\n`);
    return;
  }
  const { CommanderError } = await import('commander');
  const help: string[] = [];
  const program = await buildProgram(session, (text) => help.push(text));
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const asked = error.code === 'commander.helpDisplayed' || error.exitCode === 0;
    if (asked) {
      await session.print(help.join(''));
      return;
    }
    const { usageError } = await import('./usage-error.ts');
    const words = commandWords(program, argv);
    if (error.code !== 'commander.help') throw usageError(error, words);
    throw berthError('BERTH_USAGE', {
      problem: `berth ${words.join(' ')} needs a command`,
      usage: `one of: ${commandAt(program, words)
        .commands.map((c) => c.name())
        .join(', ')}`,
    });
  }
}

/** The tree of commands; nothing is run yet. */
export async function buildProgram(
  session: Session,
  writeHelp: (text: string) => void,
): Promise<Command> {
  const { Command } = await import('commander');
  const { registerCommands } = await import('./commands/register-commands.ts');
  const program = new Command('berth')
    .description('Finds the best place for every virtual machine on KVM hosts and puts it there.')
    .version(session.ports.version, '-V, --version')
    .option(
      '--server <url>',
      'another server than this machine’s (BERTH_SERVER); "local" is this one',
    )
    .hook('preAction', (command) => {
      session.server = command.opts<{ server?: string }>().server;
    })
    .exitOverride()
    .configureOutput({
      writeOut: writeHelp,
      writeErr: () => {},
      getOutHelpWidth: () => session.out.columns,
      getOutHasColors: () => session.out.colours > 0,
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage or spec, 3 not found, 4 refused, 5 unreachable.',
    );
  registerCommands(program, session);
  return program;
}

/** Tells what went wrong, in the form that was asked for. */
async function failed(error: unknown, session: Session): Promise<ExitStatus> {
  if (error instanceof BrokenPipe) return 0;
  const { LeftRunning } = await import('./left-running.ts');
  if (error instanceof LeftRunning) {
    if (session.json) await session.answer(error.operation, () => '');
    return 130;
  }
  const { codedError, failureLines, hintOf } = await import('./failure.ts');
  const stopped = wasStopped(reasonOf(error), session);
  const coded = stopped
    ? berthError('BERTH_INTERRUPTED', { what: 'the command' })
    : codedError(error instanceof OutputFull ? outputFull() : error);
  if (session.json && !(error instanceof OutputFull)) {
    const { problemOf } = await import('../api/problem.ts');
    await session.answer({ ...problemOf(coded), hint: hintOf(coded) }, () => '');
  } else {
    const lines = failureLines(coded, session.err, session.ports.calledAs);
    for (const line of lines) await session.note(line);
  }
  if (session.ports.env['BERTH_DEBUG'] === '1' && !isBerthError(error) && error instanceof Error) {
    await session.note(error.stack ?? error.message);
  }
  return coded.exit;
}

function outputFull(): Error {
  return berthError('BERTH_DISK_FULL', { what: 'the answer', path: 'the file it is written to' });
}

/** An aborted wait carries no code of ours; what was being waited for does not matter any more. */
function wasStopped(error: unknown, { ports }: Session): boolean {
  const aborted = ports.signal.aborted || ports.leave.aborted;
  return aborted && !isBerthError(error) && error instanceof Error && error.name === 'AbortError';
}

/** Known before parsing, so that parse errors come out as JSON too. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** The leading words of a command line that name commands: `vm create` of `vm create -f x`. */
function commandWords(program: Command, argv: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (const word of argv) {
    const next = commandAt(program, words).commands.find((command) => command.name() === word);
    if (next === undefined) break;
    words.push(word);
  }
  return words;
}

function commandAt(program: Command, words: readonly string[]): Command {
  return words.reduce(
    (at, word) => at.commands.find((command) => command.name() === word) ?? at,
    program,
  );
}
