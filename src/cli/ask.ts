import { createInterface } from 'node:readline/promises';
import { berthError } from '../base/errors.ts';
import { painter } from './look.ts';
import { printableText } from './printable.ts';
import type { Session } from './session.ts';

/**
 * Asks the person at the terminal; only a clear yes counts.
 * @throws BERTH_USAGE when nobody is there to ask, naming --yes.
 */
export async function ask(
  session: Session,
  question: string,
  items: readonly string[] = [],
): Promise<boolean> {
  const { stdin, stderr, signal } = session.ports;
  if (stdin.isTTY !== true || stderr.isTTY !== true || session.json) {
    throw berthError('BERTH_USAGE', {
      problem: `nobody is here to ask: ${question}`,
      usage: 'run the command again with --yes to agree beforehand',
    });
  }
  const c = painter(session.err);
  for (const item of items) await session.note(`  ${printableText(item)}`);
  const line = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await line.question(`${c.bold(printableText(question))} [y/N] `, { signal });
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    line.close();
  }
}
