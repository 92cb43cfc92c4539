import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiServer } from './api-server.ts';
import { runLine } from './run-line.ts';
import { operation } from './world.ts';

test('the beginning of several operations is told from that of none, with what each does', async () => {
  const ids = ['4f2b9a10-0001', '4f2b9a10-0002', '9c000000-0003'];
  await using server = await ApiServer.start({
    'GET /api/v1/operations': () => ({ operations: ids.map((id) => operation(3, { id })) }),
  });
  const several = await runLine(['op', 'show', '4'], server);
  assert.equal(several.status, 2);
  assert.equal(
    several.stderr,
    'berth: "4" is the beginning of 2 operations\n' +
      '  give more of its id: 4f2b9a10-0001 (create db1), 4f2b9a10-0002 (create db1)\n',
  );
  const none = await runLine(['op', 'show', '5'], server);
  assert.equal(none.status, 3);
  assert.equal(
    none.stderr,
    'berth: no operation named "5"\n  see the latest with: berth operation ls\n',
  );
});

test('a list that a filter has emptied does not say that there is nothing', async () => {
  await using server = await ApiServer.start({
    'GET /api/v1/operations': () => ({ operations: [] }),
    'GET /api/v1/hosts': () => ({ hosts: [] }),
  });
  const said = async (...argv: string[]): Promise<string> => (await runLine(argv, server)).stdout;
  assert.equal(await said('op', 'ls', '--state', 'running'), 'no operation is as asked for\n');
  assert.equal(await said('op', 'ls'), 'no operation to show\n');
  assert.equal(await said('host', 'ls', '-l', 'zone=b'), 'no host is as asked for\n');
  assert.match(await said('host', 'ls'), /^no host is registered/);
});

test('a folder in place of a file is called one', async () => {
  const { status, stderr } = await runLine(['serve', '--store-file', '/'], { socket: '/none' });
  assert.equal(status, 2);
  assert.match(stderr, /^berth: cannot read \/: it is a folder$/m);
});
