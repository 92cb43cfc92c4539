import type { Environment } from './socket-location.ts';

/** What this process itself is run by: its user, and the folders that its environment names. */
export function processEnvironment(): Environment {
  const { env } = process;
  return {
    uid: process.getuid?.() ?? 0,
    runtimeDir: env['XDG_RUNTIME_DIR'],
    cacheDir: env['XDG_CACHE_HOME'],
    home: env['HOME'],
  };
}
