import { PassThrough } from 'node:stream';
import { Client } from '../../src/api/client.ts';
import type { LabPort } from '../../src/cli/lab-port.ts';
import type { CliPorts, ExitStatus, Input, LocalMachine } from '../../src/cli/ports.ts';
import { runCli } from '../../src/cli/program.ts';

/** The moment at which every test runs. */
export const NOW = 1_760_000_300_000;

/** What one command line said and ended with. */
export interface Ran {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly socket: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Text on standard input, which then ends. Ignored with `input`. */
  readonly stdin?: string;
  readonly input?: Input;
  /** Standard output and error are terminals of this width. */
  readonly terminal?: number;
  readonly signal?: AbortSignal;
  readonly leave?: AbortSignal;
  readonly local?: Partial<LocalMachine>;
  readonly lab?: Partial<LabPort>;
  readonly serve?: CliPorts['serve'];
  /** Called with everything standard error has said so far. */
  readonly onStderr?: (text: string) => void;
  readonly stdout?: CliPorts['stdout'];
}

/** Runs one command line against a server, with UTF-8 and without colours unless told otherwise. */
export async function runLine(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const out = collector(options.terminal);
  const err = collector(options.terminal, options.onStderr);
  const input = new PassThrough();
  input.end(options.stdin ?? '');
  const ports: CliPorts = {
    stdin: options.input ?? input,
    stdout: options.stdout ?? out.stream,
    stderr: err.stream,
    env: { LANG: 'C.UTF-8', NO_COLOR: '1', ...options.env },
    home: '/var/lib/berth',
    version: '0.1.0',
    client: () => new Client({ socket: options.socket }),
    logins: {
      clientOf: () => new Client({ socket: options.socket }),
      keep: () => Promise.resolve('/home/somebody/.config/berth/logins.json'),
      forget: () => Promise.resolve([]),
    },
    now: () => NOW,
    clock: () => 0,
    signal: options.signal ?? new AbortController().signal,
    leave: options.leave ?? new AbortController().signal,
    local: {
      up: () => Promise.reject(new Error('no up in this test')),
      down: () => Promise.reject(new Error('no down in this test')),
      ...options.local,
    },
    lab: { ...noLab(), ...options.lab },
    serve: options.serve ?? (() => Promise.resolve()),
  };
  const status = await runCli(argv, ports);
  return { status, stdout: out.text(), stderr: err.text() };
}

/** What of labs a test does not give fails it. */
function noLab(): LabPort {
  const none = (): Promise<never> => Promise.reject(new Error('no lab in this test'));
  return {
    up: none,
    list: none,
    exec: none,
    break: none,
    mend: none,
    faults: none,
    machines: none,
    down: none,
  };
}

function collector(
  terminal: number | undefined,
  onText?: (text: string) => void,
): { stream: CliPorts['stdout']; text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    onText?.(text);
  });
  const facts = terminal === undefined ? {} : { isTTY: true, columns: terminal };
  return { stream: Object.assign(stream, facts), text: () => text };
}
