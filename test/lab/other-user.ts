import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Nobody, the only ordinary user that is on every machine. */
export const OTHER_USER = 65_534;

/** What this machine lacks for running Node on this checkout as another user; undefined: nothing. */
export function otherUserUnmetNeed(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs: root, to become another user';
  const script = `require('node:fs').readFileSync(process.argv[1])`;
  const { status } = spawnSync(process.execPath, ['-e', script, fileURLToPath(import.meta.url)], {
    uid: OTHER_USER,
    gid: OTHER_USER,
    cwd: '/',
  });
  return status === 0 ? undefined : 'needs: a checkout and a Node that other users can read';
}
