import { berthError } from '../base/errors.ts';
import { RawMode } from './raw-mode.ts';
import type { Session } from './session.ts';

/** Far longer than a token; what is longer is none. */
const CHARS_MAX = 4096;

/**
 * Reads a line that nobody is to see: from a terminal without showing it, else from standard input.
 * @throws BERTH_INTERRUPTED on Ctrl-C, BERTH_TOO_LARGE
 */
export async function readSecret(session: Session, question: string): Promise<string> {
  const { stdin, stderr, signal } = session.ports;
  const isTerminal = stdin.isTTY === true;
  using _raw = isTerminal ? new RawMode(stdin) : undefined;
  if (isTerminal) stderr.write(question);
  try {
    return await lineOf(session, signal);
  } finally {
    stdin.pause();
    if (isTerminal) stderr.write('\n');
  }
}

async function lineOf({ ports: { stdin } }: Session, signal: AbortSignal): Promise<string> {
  let line = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const stop = (): void => reject(berthError('BERTH_INTERRUPTED', { what: 'berth login' }));
  const take = (chunk: Buffer | string): void => {
    for (const key of chunk.toString()) {
      if (key === '\r' || key === '\n' || key === '\u0004') return resolve(line);
      if (key === '\u0003') return stop();
      if (key === '\u007f' || key === '\b') line = line.slice(0, -1);
      else if (key === '\u0015') line = '';
      else line += key;
    }
    const what = 'the token, in characters,';
    if (line.length <= CHARS_MAX) return;
    reject(berthError('BERTH_TOO_LARGE', { what, size: line.length, max: CHARS_MAX }));
  };
  const end = (): void => resolve(line);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  stdin.on('data', take).on('end', end);
  try {
    return (await promise).trim();
  } finally {
    signal.removeEventListener('abort', stop);
    stdin.off('data', take).off('end', end);
  }
}
