import type { SshChild, SshEnding } from './ssh-child.ts';

/** What came before the daemon's own bytes. */
export type Greeting =
  | { readonly kind: 'ready' }
  /** Something else than the greeting came. */
  | { readonly kind: 'noise'; readonly said: Buffer }
  /** ssh ended before it; `said` is all that came. */
  | { readonly kind: 'ended'; readonly ending: SshEnding; readonly said: Buffer };

/** How much is read of what is no greeting: a whole first line of a socket's path. */
const SAID_BYTES_MAX = 8 * 1024;

/**
 * Reads the greeting off ssh's output and leaves there what follows. A first byte that no greeting
 * has is waited on until more of it is there to be shown, or ssh has ended.
 */
export async function readGreeting(child: SshChild, greeting: string): Promise<Greeting> {
  const { output } = child;
  const { promise, resolve } = Promise.withResolvers<Greeting>();
  let said = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    said = Buffer.concat([said, chunk]);
    const text = said.toString('latin1');
    if (text.startsWith(greeting)) {
      output.pause();
      const rest = said.subarray(greeting.length);
      if (rest.length > 0) output.unshift(rest);
      resolve({ kind: 'ready' });
    } else if (text.includes(greeting) || said.length > SAID_BYTES_MAX) {
      resolve({ kind: 'noise', said });
    }
  };
  output.on('data', look);
  void child.ended.then((ending) => resolve({ kind: 'ended', ending, said }));
  try {
    return await promise;
  } finally {
    output.off('data', look);
  }
}
