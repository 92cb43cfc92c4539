import type { LoginPort } from '../cli/ports.ts';
import { runCli } from '../cli/program.ts';
import { berthHome } from './home.ts';
import { labPort } from './lab-port.ts';
import { localMachine } from './local-machine.ts';
import { berthVersion } from './version.ts';

/**
 * Turns a command line into a program: gives the rooms the real clock, terminal and signals, and
 * the process its exit status. What a command does not need is not loaded.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const home = berthHome(process.env, process.getuid?.() ?? 0);
  const { signal, leave } = interruptions();
  process.exitCode = await runCli(argv, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    home,
    version: berthVersion(),
    calledAs: process.env['BERTH_CALLED_AS'] ?? 'berth',
    client: async (choice) => {
      const { serverClient } = await import('./server-client.ts');
      return serverClient(process.env, home, choice);
    },
    logins: lazyLogins(process.env),
    now: Date.now,
    signal,
    leave,
    local: localMachine(home),
    lab: labPort(home, signal),
    serve: async (options) => {
      const { serveHere } = await import('./serve-here.ts');
      await serveHere(home, options);
    },
  });
}

/** Loaded by the few commands that need it. */
function lazyLogins(env: NodeJS.ProcessEnv): LoginPort {
  const port = async () => (await import('./server-client.ts')).loginPort(env);
  return {
    clientOf: async (address) => (await port()).clientOf(address),
    keep: async (address) => (await port()).keep(address),
    forget: async () => (await port()).forget(),
  };
}

/** The first Ctrl-C asks to stop and take back what was begun; the second, and SIGTERM, to leave. */
function interruptions(): { readonly signal: AbortSignal; readonly leave: AbortSignal } {
  const first = new AbortController();
  const second = new AbortController();
  process.on('SIGINT', () => {
    if (first.signal.aborted) second.abort();
    first.abort();
  });
  process.on('SIGTERM', () => {
    first.abort();
    second.abort();
  });
  return { signal: first.signal, leave: second.signal };
}
