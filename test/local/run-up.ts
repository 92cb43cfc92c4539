import { isBerthError } from '../../src/base/errors.ts';
import { down } from '../../src/local/down.ts';
import { up } from '../../src/local/up.ts';
import { stubPort, STUB_COMMAND } from './stub-port.ts';

/**
 * Runs `up`, `down` or `purge` for a state folder in a process of its own, to be killed or to be
 * another user's, or to run in other namespaces. `up` takes an accelerator as a third word. Tells its steps, then the result or the error's code, a line each.
 */
const [command = '', home = '', accel] = process.argv.slice(2);
const tell = (line: string): unknown => process.stdout.write(`${line}\n`);
const options = {
  home,
  yes: true,
  confirm: async () => Promise.resolve(false),
  progress: {
    begin: (id: string) => tell(`begin ${id}`),
    detail: () => undefined,
    done: (id: string) => tell(`done ${id}`),
    skip: (id: string) => tell(`skip ${id}`),
    warn: (text: string) => tell(`warn ${text}`),
  },
  signal: new AbortController().signal,
  server: stubPort(home),
};
try {
  const result =
    command === 'up'
      ? await up({
          ...options,
          ...(accel === 'tcg' ? { accel } : {}),
          serverCommand: STUB_COMMAND,
        })
      : await down({ ...options, purge: command === 'purge' });
  tell(JSON.stringify(result));
} catch (error) {
  if (!isBerthError(error)) throw error;
  tell(`${error.code} ${error.message} | ${error.hint}`);
  process.exitCode = error.exit;
}
