import { up } from '../../src/local/up.ts';
import { stubPort, STUB_COMMAND } from './stub-port.ts';

/** Runs `up` in a process of its own, to be killed; tells its steps on standard output. */
const home = process.argv[2] ?? '';
await up({
  home,
  yes: true,
  accel: 'tcg',
  confirm: async () => Promise.resolve(false),
  progress: {
    begin: (id) => process.stdout.write(`begin ${id}\n`),
    detail: () => undefined,
    done: () => undefined,
    skip: () => undefined,
    warn: () => undefined,
  },
  signal: new AbortController().signal,
  serverCommand: STUB_COMMAND,
  server: stubPort(home),
});
