import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { sourcesForSuite } from '../../../src/lab/system/apt-sources.ts';
import { pickAptOptions } from '../../../src/lab/system/debian-tree.ts';

const osRelease = 'NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\nID=debian\n';

test('sources of the own release are taken over for another suite, pocket by pocket', () => {
  const main = `Types: deb deb-src
# a comment between fields
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
`;
  assert.equal(
    sourcesForSuite({ lists: [], stanzaFiles: [main], osRelease }, 'trixie'),
    `Types: deb
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.test/security
Suites: trixie-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
`,
  );
});

test('one-line sources are understood, and other vendors and disabled ones left out', () => {
  const lists = [
    `# deb http://old.test/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main non-free # local
deb-src http://mirror.test/debian bookworm main
deb http://mirror.test/debian bookworm/updates main
deb https://vendor.test/apt cloud-sdk-bookworm main
`,
  ];
  const stanzaFiles = [
    'Enabled: no\nTypes: deb\nURIs: http://off.test\nSuites: bookworm\nComponents: main\n',
    'Types: deb\nURIs: http://vendor.test\nSuites: nodistro\nComponents: main\n',
  ];
  assert.equal(
    sourcesForSuite({ lists, stanzaFiles, osRelease }, 'bookworm'),
    `Types: deb
URIs: http://mirror.test/debian
Suites: bookworm
Components: main
Signed-By: /k.gpg

Types: deb
URIs: http://mirror.test/debian
Suites: bookworm-security
Components: main
`,
  );
});

test('a machine without sources for its own release is told so', () => {
  const settings = { lists: [''], stanzaFiles: [], osRelease };
  assert.throws(
    () => sourcesForSuite(settings, 'trixie'),
    (error) => isBerthError(error, 'BERTH_UNSUPPORTED') && error.message.includes('bookworm'),
  );
  assert.throws(
    () => sourcesForSuite({ ...settings, osRelease: '' }, 'trixie'),
    (error) => isBerthError(error, 'BERTH_UNSUPPORTED'),
  );
});

test('of the settings of apt, those on the way to the archive and its age are taken over', () => {
  const dump = `APT::Architecture "amd64";
Acquire::Check-Valid-Until "false";
Acquire::http::Proxy "http://proxy.test:3128";
Acquire::http::Proxy::mirror.test "DIRECT";
Acquire::GzipIndexes "true";
Dir::Cache::pkgcache "";
`;
  assert.equal(
    pickAptOptions(dump),
    `Acquire::Check-Valid-Until "false";
Acquire::http::Proxy "http://proxy.test:3128";
Acquire::http::Proxy::mirror.test "DIRECT";
`,
  );
});
