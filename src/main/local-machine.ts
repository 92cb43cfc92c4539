import { fileURLToPath } from 'node:url';
import type { LocalMachine } from '../cli/ports.ts';

/** `up` and `down` for this machine: the room `local`, joined to the API's client. */
export function localMachine(home: string): LocalMachine {
  return {
    up: async (options) => {
      const [{ up }, { serverPort }] = await Promise.all([
        import('../local/up.ts'),
        import('./server-port.ts'),
      ]);
      return up({ ...options, home, serverCommand: serverCommand(), server: serverPort(home) });
    },
    down: async (options) => {
      const [{ down }, { serverPort }] = await Promise.all([
        import('../local/down.ts'),
        import('./server-port.ts'),
      ]);
      return down({ ...options, home, server: serverPort(home) });
    },
  };
}

/** The command that runs the server in the foreground: this very program. */
function serverCommand(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('berth.mjs', ENTRY)), 'serve'];
}

/** The folder of the entry file, the same for sources and for the published package. */
const ENTRY = new URL('../../src/main/', import.meta.url);
