import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aptArgv, aptProgress } from '../../src/local/apt.ts';

test('the status lines of apt become words for a person', () => {
  assert.equal(
    aptProgress('dlstatus:3:12.5714:Retrieving file 3 of 40 (12s remaining)'),
    '12 % downloaded: Retrieving file 3 of 40',
  );
  assert.equal(
    aptProgress('pmstatus:libvirt0:amd64:45.2:Unpacking libvirt0 (amd64)'),
    '45 %: Unpacking libvirt0',
  );
  assert.equal(
    aptProgress('0 upgraded, 97 newly installed, 0 to remove and 0 not upgraded.'),
    '97 packages to install in all',
  );
});

test('all other lines of apt are passed over', () => {
  for (const line of ['Reading package lists...', 'pmstatus', 'Setting up x (1:2.3) ...', '']) {
    assert.equal(aptProgress(line), undefined);
  }
});

test('root runs apt itself; an ordinary user through sudo, which asks only at a terminal', () => {
  assert.equal(aptArgv(['update'], { become: 'root', terminal: false })[0], 'apt-get');
  const quiet = aptArgv(['update'], { become: 'sudo', terminal: false });
  assert.deepEqual(quiet.slice(0, 3), ['sudo', '-n', 'env']);
  const asking = aptArgv(['update'], { become: 'sudo', terminal: true });
  assert.deepEqual(asking.slice(0, 2), ['sudo', 'env']);
  assert.ok(!asking.includes('APT::Status-Fd=1'), 'a person at the terminal sees apt itself');
});
