import { join, resolve } from 'node:path';

/**
 * Where all state lies: `$BERTH_HOME`, else /var/lib/berth for root and the XDG state folder
 * (`~/.local/state/berth`) for everybody else. Always an absolute path.
 */
export function berthHome(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  const given = env['BERTH_HOME'];
  if (given !== undefined && given !== '') return resolve(given);
  if (uid === 0) return '/var/lib/berth';
  return resolve(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? '/', '.local', 'state'), 'berth');
}
