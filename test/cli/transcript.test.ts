import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApiServer } from './api-server.ts';
import { fakeLabs } from './labs.ts';
import { runLine } from './run-line.ts';
import { fleetRoutes } from './world.ts';

// Each file in golden/transcripts is a session: `$ command`, what it printed, `! ` before lines of
// standard error, and `= n` for an exit code other than 0. UPDATE=1 rewrites what was printed; commit
// only differences you can explain.

const FOLDER = fileURLToPath(new URL('golden/transcripts/', import.meta.url));
const SPECS = fileURLToPath(new URL('golden/specs/', import.meta.url));
const SIMULATE = fileURLToPath(new URL('golden/simulate/', import.meta.url));

for (const file of await readdir(FOLDER)) {
  test(`the session in ${file} goes as written`, async () => {
    const text = await readFile(FOLDER + file, 'utf8');
    const played = await play(text);
    if (process.env['UPDATE'] === '1') await writeFile(FOLDER + file, played);
    else assert.equal(played, text);
  });
}

async function play(text: string): Promise<string> {
  await using server = await ApiServer.start(fleetRoutes());
  const { port: lab } = fakeLabs();
  const parts: string[] = [];
  for (const line of text.split('\n').filter((one) => /^[$#]/.test(one))) {
    if (line.startsWith('#')) {
      parts.push(`${line}\n`);
      continue;
    }
    const argv = wordsOf(line.slice(2)).map((word) =>
      word.replace(/^SPECS\//, SPECS).replace(/^SIMULATE\//, SIMULATE),
    );
    const ran = await runLine(argv.slice(1), { socket: server.socket, lab });
    const errors = ran.stderr.split('\n').slice(0, -1);
    const said = [
      `${line}\n`,
      ran.stdout,
      ...errors.map((error) => `! ${error}\n`),
      ran.status === 0 ? '' : `= ${ran.status}\n`,
      '\n',
    ];
    parts.push(said.join('').replaceAll(SPECS, 'SPECS/').replaceAll(SIMULATE, 'SIMULATE/'));
  }
  return `${parts.join('').trimEnd()}\n`;
}

/** Words of a command line; single quotes hold spaces together. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
