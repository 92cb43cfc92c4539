import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { berthError, isBerthError } from '../../src/base/errors.ts';
import { HYPERVISOR_PACKAGES } from '../../src/lab/system/hypervisor-packages.ts';
import { parseOsRelease } from '../../src/local/machine.ts';
import { ensurePackages, type Confirm } from '../../src/local/package-step.ts';

const ALL = HYPERVISOR_PACKAGES.debian;

/** Stand-ins for dpkg and apt, so that no test changes the machine; each call is noted. */
const bin = await mkdtemp(join(tmpdir(), 'berth-packages-'));
const before = process.env['PATH'];
process.env['PATH'] = `${bin}:${before}`;
after(async () => {
  process.env['PATH'] = before;
  await rm(bin, { recursive: true });
});
const program = async (name: string, script: string): Promise<void> =>
  writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
await program('dpkg-query', `cat '${bin}/installed'`);
await program(
  'apt-get',
  `echo "$DEBIAN_FRONTEND: $*" >>'${bin}/calls'
case $* in
*--download-only*) [ -e '${bin}/lists' ] || { echo 'E: Unable to locate package' >&2; exit 100; } ;;
*update*) [ -e '${bin}/offline' ] && exit 100; : >'${bin}/lists' ;;
*)
  echo 'pmstatus:kmod:50.0:Installing kmod (amd64)'
  while [ -e '${bin}/unpacking' ]; do sleep 0.01; done
  echo finished >>'${bin}/calls' ;;
esac`,
);
await program('sudo', `echo "sudo $1" >>'${bin}/calls'; [ "$1" = -n ] && shift; exec "$@"`);

/** Runs the step on a Debian machine where these packages are installed. */
async function packages(
  installed: readonly string[],
  options: {
    yes?: boolean;
    confirm?: Confirm;
    uid?: number;
    signal?: AbortSignal;
    onDetail?: (text: string) => void;
  } = {},
) {
  await writeFile(join(bin, 'installed'), installed.map((name) => `installed ${name}\n`).join(''));
  await writeFile(join(bin, 'calls'), '');
  const details: string[] = [];
  const outcome = await ensurePackages({
    machine: {
      uid: options.uid ?? 0,
      hostname: 'node7',
      os: parseOsRelease('ID=debian\n'),
      arch: 'x64',
      onlineCpus: 2,
    },
    command: 'berth up',
    yes: options.yes ?? false,
    confirm: options.confirm ?? (async () => Promise.resolve(false)),
    detail: (text) => {
      details.push(text);
      options.onDetail?.(text);
    },
    signal: options.signal ?? new AbortController().signal,
  });
  return { outcome, details };
}

const calls = async (): Promise<readonly string[]> =>
  (await readFile(join(bin, 'calls'), 'utf8')).split('\n').filter((line) => line !== '');
const forget = async (name: string): Promise<void> => rm(join(bin, name), { force: true });

test('where all packages are installed nothing is asked or done', async () => {
  const { outcome } = await packages(ALL, { confirm: () => assert.fail('asked') });
  assert.equal(outcome.changed, false);
  assert.deepEqual(await calls(), []);
});

test('missing packages are shown, and installed once a person agrees', async () => {
  await writeFile(join(bin, 'lists'), '');
  const shown: (readonly string[])[] = [];
  const confirm: Confirm = async (_question, items) => Promise.resolve(shown.push(items) > 0);
  const { outcome, details } = await packages(ALL.slice(2), { confirm });
  assert.deepEqual(shown, [ALL.slice(0, 2)]);
  assert.equal(outcome.changed, true);
  assert.ok(details.includes('50 %: Installing kmod'));
  const [download, install, finished, ...more] = await calls();
  const names = ALL.slice(0, 2).join(' ');
  assert.match(download ?? '', new RegExp(`^noninteractive: .* --download-only ${names}$`));
  assert.match(install ?? '', new RegExp(`install -y --no-install-recommends ${names}$`));
  assert.deepEqual([finished, ...more], ['finished']);
});

test('a no, or nobody to ask, refuses with the command to type and installs nothing', async () => {
  const nobody = async (): Promise<never> => {
    throw berthError('BERTH_USAGE', { problem: 'nobody is here to ask', usage: '--yes' });
  };
  for (const confirm of [async () => Promise.resolve(false), nobody]) {
    await assert.rejects(packages(ALL.slice(1), { confirm, uid: 1000 }), (error) => {
      assert.ok(isBerthError(error, 'BERTH_PACKAGES_NEEDED'));
      assert.deepEqual(error.data.packages, ALL.slice(0, 1));
      assert.match(error.hint, /berth up --yes.*sudo apt-get install .*libvirt-daemon-system/);
      return true;
    });
    assert.deepEqual(await calls(), []);
  }
});

test('without lists of packages they are fetched, once', async () => {
  await forget('lists');
  await packages([], { yes: true });
  const words = (await calls()).map((line) => /--download-only|update|install/.exec(line)?.[0]);
  assert.deepEqual(words, ['install', 'update', 'install', 'install', undefined]);
});

test('without lists and without a network apt’s own failure is told', async () => {
  await forget('lists');
  await writeFile(join(bin, 'offline'), '');
  await assert.rejects(packages([], { yes: true }), { code: 'BERTH_COMMAND_FAILED' });
  await forget('offline');
});

test('an ordinary user becomes root by sudo for apt alone', async () => {
  await writeFile(join(bin, 'lists'), '');
  await packages([], { yes: true, uid: 1000 });
  const seen = await calls();
  assert.equal(seen.filter((line) => line.startsWith('sudo ')).length, 2);
  assert.ok(seen.every((line) => /^(sudo |noninteractive: |finished)/.test(line)));
});

test('Ctrl-C while dpkg works lets it finish', async () => {
  await writeFile(join(bin, 'lists'), '');
  await writeFile(join(bin, 'unpacking'), '');
  const person = new AbortController();
  const { outcome } = await packages([], {
    yes: true,
    signal: person.signal,
    onDetail: (text) => {
      if (!text.includes('Installing')) return;
      person.abort();
      rmSync(join(bin, 'unpacking'));
    },
  });
  assert.equal(outcome.changed, true);
  assert.ok((await calls()).includes('finished'));
});
