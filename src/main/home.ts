import { join } from 'node:path';

/**
 * Where all state lies: `$BERTH_HOME`, else /var/lib/berth for root and the XDG state folder
 * (`~/.local/state/berth`) for everybody else.
 */
export function berthHome(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  const given = env['BERTH_HOME'];
  if (given !== undefined && given !== '') return given;
  if (uid === 0) return '/var/lib/berth';
  return join(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? '/', '.local', 'state'), 'berth');
}
