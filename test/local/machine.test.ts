import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOsRelease, readMachine, shortHostname } from '../../src/local/machine.ts';

test('os-release is read with any quoting, comments and blank lines', () => {
  const text = `# a comment\n\nID=debian\nPRETTY_NAME="Debian \\"12\\" \\$x"\nID_LIKE='a b'\nBROKEN\n`;
  assert.deepEqual(parseOsRelease(text), {
    id: 'debian',
    idLike: ['a', 'b'],
    name: 'Debian "12" $x',
  });
});

test('without os-release the distribution is just linux', () => {
  assert.deepEqual(parseOsRelease(''), { id: 'linux', idLike: [], name: 'linux' });
});

test('a host is named by the first label of the hostname, in letters, digits and dashes', () => {
  assert.equal(shortHostname('node7.lab.example'), 'node7');
  assert.equal(shortHostname('my_box'), 'my-box');
  assert.equal(shortHostname('--x--'), 'x');
  assert.equal(shortHostname(''), 'localhost');
  assert.equal(shortHostname('ü'), 'localhost');
  assert.equal(shortHostname(`${'a'.repeat(62)}-b`), 'a'.repeat(62));
});

test('this machine has a name and CPUs', async () => {
  const machine = await readMachine();
  assert.ok(machine.onlineCpus >= 1);
  assert.match(machine.hostname, /^[A-Za-z0-9]/);
});
