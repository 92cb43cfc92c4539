import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { labSkip } from '../../lab/lab-host.ts';
import { startRig } from '../rig.ts';

/** A host that would have the server run a program. */
const PROGRAM_URI = 'qemu+ssh://h/system?command=/bin/true';

const skip = await labSkip();

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: { readonly code?: string; readonly [key: string]: unknown };
}

async function ask(
  socketPath: string,
  method: string,
  path: string,
  payload?: { readonly type: string; readonly text: string; readonly length?: number },
): Promise<Answer> {
  const headers = payload === undefined ? {} : { 'content-type': payload.type };
  const call = request({ socketPath, method, path, headers });
  if (payload?.length === undefined) call.end(payload?.text);
  else call.setHeader('content-length', payload.length).flushHeaders();
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  call.destroy();
  return {
    status: response.statusCode,
    type: response.headers['content-type'] ?? '',
    body: text === '' ? {} : JSON.parse(text),
  };
}

test(
  'whatever is wrong with a request, the answer is a problem of the registry',
  { skip },
  async () => {
    await using rig = await startRig();
    const json = (text: string) => ({ type: 'application/json', text });
    const cases: readonly (readonly [Parameters<typeof ask>, status: number, code: string])[] = [
      [[rig.socket, 'GET', '/api/v1/nothing'], 404, 'BERTH_NOT_FOUND'],
      [[rig.socket, 'GET', '/api/v1/vms/%zz'], 400, 'BERTH_USAGE'],
      [[rig.socket, 'GET', `/api/v1/vms/${'x'.repeat(300)}`], 400, 'BERTH_SPEC_INVALID'],
      [[rig.socket, 'GET', `/api/v1/vms/${'x'.repeat(200)}`], 404, 'BERTH_NOT_FOUND'],
      [[rig.socket, 'POST', '/api/v1/vms', json('{')], 400, 'BERTH_USAGE'],
      [[rig.socket, 'POST', '/api/v1/vms', json('{}')], 400, 'BERTH_SPEC_INVALID'],
      [[rig.socket, 'POST', '/api/v1/vms'], 400, 'BERTH_SPEC_INVALID'],
      [[rig.socket, 'POST', '/api/v1/vms?strat=false', json('{}')], 400, 'BERTH_SPEC_INVALID'],
      [
        [rig.socket, 'POST', '/api/v1/hosts', { type: 'text/x', text: 'a' }],
        415,
        'BERTH_MEDIA_TYPE',
      ],
      [
        [rig.socket, 'POST', '/api/v1/hosts', json('{"name":"a/b","uri":"x"}')],
        400,
        'BERTH_SPEC_INVALID',
      ],
      [
        [rig.socket, 'POST', '/api/v1/hosts', json(`{"name":"a","uri":"${PROGRAM_URI}"}`)],
        400,
        'BERTH_URI_INVALID',
      ],
      [
        [rig.socket, 'POST', '/api/v1/vms', { ...json(''), length: 5 * 1024 * 1024 }],
        413,
        'BERTH_TOO_LARGE',
      ],
      [[rig.socket, 'DELETE', '/api/v1/vms/none?force=perhaps'], 400, 'BERTH_SPEC_INVALID'],
      [[rig.socket, 'GET', '/api/v1/vms/none/console'], 400, 'BERTH_USAGE'],
    ];
    for (const [question, status, code] of cases) {
      const what = `${question[1]} ${question[2]}`.slice(0, 60);
      const answer = await ask(...question);
      assert.deepEqual([answer.status, answer.body.code], [status, code], what);
      assert.match(answer.type, /^application\/problem\+json/, what);
      assert.doesNotMatch(JSON.stringify(answer.body), /\.ts:\d|node_modules/, what);
    }
  },
);

test(
  'the socket is its owner’s alone, HEAD answers as GET, and a console that is none says why',
  { skip },
  async () => {
    await using rig = await startRig();
    assert.equal(statSync(rig.socket).mode & 0o777, 0o600);
    assert.equal((await ask(rig.socket, 'HEAD', '/api/v1/vms')).status, 200);
    const console = rig.client.openConsole('none', { force: false });
    const [code, reason] = await once(console, 'close');
    assert.equal(code, 4000);
    assert.match(String(reason), /BERTH_NOT_FOUND/);
    const bad = new WebSocket(`ws+unix://${rig.socket}:/api/v1/vms/none/console?force=perhaps`);
    const ignored = once(bad, 'error'); // that `terminate` came before it was open
    const [, response] = await once(bad, 'unexpected-response');
    assert.equal(response.statusCode, 400);
    bad.terminate();
    await ignored;
  },
);
