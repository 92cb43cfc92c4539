import { startTestHost } from './kvm-test-host.ts';

/** A starter that a test can kill: `FOLDER`. It tells its steps, a line each. */
const [dir = ''] = process.argv.slice(2);
await startTestHost({
  dir,
  release: 'bookworm',
  endsWithCaller: false,
  progress: (step) => process.stdout.write(`${step}\n`),
});
