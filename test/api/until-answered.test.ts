import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../../src/api/client.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { operation } from '../cli/world.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function withServer(answer: Answer, use: (client: Client) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-answer-'));
  const server = createServer(answer);
  const socket = join(folder, 'api.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    await use(new Client({ socket }));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}

test('a request whose answer is lost is sent again under the same key', async () => {
  const keys: unknown[] = [];
  const answer: Answer = (request, response) => {
    keys.push(request.headers['idempotency-key']);
    if (keys.length === 1) request.socket.destroy();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(operation(0)));
  };
  await withServer(answer, async (client) => {
    const begun = await client.act('db1', 'stop');
    assert.equal(begun.id, '7');
  });
  assert.equal(keys.length, 2);
  assert.equal(typeof keys[0], 'string');
  assert.equal(keys[0], keys[1]);
});

test('a server that stays away after a request was sent leaves it unknown, and that is said', async () => {
  const answer: Answer = (request) => void request.socket.destroy();
  await withServer(answer, async (client) => {
    await assert.rejects(
      client.act('db1', 'stop'),
      (error) =>
        isBerthError(error, 'BERTH_SERVER_UNREACHABLE') &&
        error.data.isSent === true &&
        error.hint.includes('berth operation ls'),
    );
  });
});

test('where no server is, nothing has been sent, and nothing is waited for', async () => {
  const client = new Client({ socket: '/nonexistent/api.sock' });
  await assert.rejects(
    client.act('db1', 'stop'),
    (error) => isBerthError(error, 'BERTH_SERVER_UNREACHABLE') && error.data.isSent === undefined,
  );
});
