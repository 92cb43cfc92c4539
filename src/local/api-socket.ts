import { join } from 'node:path';

/** The unix socket of the server's API, below the state folder. */
export function apiSocket(home: string): string {
  return join(home, 'run', 'api.sock');
}
