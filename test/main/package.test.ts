import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

/** The published package, packed as npm packs it and used from an empty project. */
const folder = mkdtempSync(join(tmpdir(), 'berth-pack-'));
after(() => rmSync(folder, { recursive: true }));

function run(command: string, args: readonly string[], cwd = folder): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function unpack(): string {
  const packed = run('npm', ['pack', '--silent', '--pack-destination', folder], process.cwd());
  const home = join(folder, 'node_modules', 'berth');
  mkdirSync(home, { recursive: true });
  run('tar', ['-xzf', join(folder, packed.trim()), '-C', home, '--strip-components=1']);
  return home;
}

test('the package brings JavaScript and types: both libraries import, and the program runs', () => {
  const home = unpack();
  // With nothing beside it: berth/libvirt stands on Node alone.
  writeFileSync(
    join(folder, 'client.mjs'),
    `import { connect, domainGetXmlDesc, isBerthError } from 'berth/libvirt';
     const failure = await connect('qemu:///system?socket=/nowhere', {}, { deadlineMs: 5000 }).catch((error) => error);
     console.log(domainGetXmlDesc.number, isBerthError(failure, 'BERTH_CONNECTION_CLOSED'));`,
  );
  assert.equal(run(process.execPath, ['client.mjs']), '14 true\n');

  // The dependencies of the others, as npm would install them.
  for (const name of ['saxes', 'xmlchars', 'commander', 'picocolors']) {
    symlinkSync(join(process.cwd(), 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(
    join(folder, 'use.mjs'),
    `import { parseUri } from 'berth/libvirt';
     import { parseXml, writeXml } from 'berth/xml';
     const text = '<domain><!-- kept --><name>x</name></domain>';
     console.log(parseUri('qemu:///system').driver, writeXml(parseXml(text, 'd')) === text);`,
  );
  assert.equal(run(process.execPath, ['use.mjs']), 'qemu true\n');
  const version = run(process.execPath, [join(home, 'src', 'main', 'berth.mjs'), '--version']);
  assert.match(version, /^\d+\.\d+\.\d+\n$/);

  writeFileSync(
    join(folder, 'use.ts'),
    `import { connect, type Connection } from 'berth/libvirt';
     const open: Promise<Connection> = connect('qemu:///system', {}, { deadlineMs: 1 });
     export const version: Promise<number> = open.then((connection) => connection.libVersion);`,
  );
  // The types of Node, which the client's own are made of, have to be there; nothing need name them.
  mkdirSync(join(folder, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(process.cwd(), 'node_modules', name), join(folder, 'node_modules', name));
  }
  const tsc = join(process.cwd(), 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
  run(process.execPath, [tsc, ...options, 'use.ts']);
});
