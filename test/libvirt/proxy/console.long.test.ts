import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { attachGuestShell } from '../../../src/lab/guest/guest-shell.ts';
import {
  DomainState,
  domainGetState,
  domainLookupByName,
  ErrorCode,
} from '../../../src/libvirt/index.ts';
import { openConsole } from '../../../src/libvirt/transfer/open-console.ts';
import { takeScreenshot } from '../../../src/libvirt/transfer/take-screenshot.ts';
import { labHost } from '../../lab/lab-host.ts';
import { startGuest, tinyGuestXml } from '../../lab/tiny-guest.ts';
import { coded, refusedWith } from '../../refusal.ts';
import { socketOf } from '../../server/relay.ts';
import { skip } from '../daemon.ts';
import { open, WAIT } from './conversation.ts';
import { altering, cutting, merging, proxied, splitting } from './tamper.ts';

const BOOT = { deadlineMs: 90_000 };
const VIDEO = "<video><model type='vga'/></video>";

describe('a guest that runs, by way of a proxy', { skip, concurrency: false }, () => {
  test('is worked with at its console and pictured, however its bytes are split and merged', async (t) => {
    const lab = await labHost();
    await startGuest(lab, 'talker', tinyGuestXml(lab, 'talker', VIDEO));
    for (const alter of [() => splitting([1, 7, 3]), () => merging(5)]) {
      const { uri } = await proxied(t, altering(alter), socketOf(lab.uri));
      await using connection = await open(uri('qemu'));
      const { dom } = await connection.call(domainLookupByName, { name: 'talker' }, WAIT);
      const console = await openConsole(connection, { dom }, WAIT);
      await assert.rejects(
        openConsole(connection, { dom }, WAIT),
        refusedWith(ErrorCode.operationFailed),
      );
      const shell = await attachGuestShell(console, 'talker', BOOT);
      const { output } = await shell.run(['seq', '1', '200'], BOOT);
      assert.equal(output.trim(), Array.from({ length: 200 }, (_, i) => i + 1).join('\n'));
      const { mime, bytes } = await takeScreenshot(connection, { dom }, WAIT);
      assert.match(mime ?? '', /^image\//);
      assert.ok(bytes.length > 1000);
      await assert.rejects(
        takeScreenshot(connection, { dom, bytesMax: 1000 }, WAIT),
        coded('BERTH_TOO_LARGE'),
      );
      console.destroy();
      if (!console.closed) await once(console, 'close');
      const again = await openConsole(connection, { dom }, WAIT);
      again.resume();
      again.end();
      await once(again, 'close');
    }
  });

  test('keeps running when its console is cut off, and the console fails', async (t) => {
    const lab = await labHost();
    const cut = cutting({ to: 'daemon', connection: 1, afterBytes: 700 });
    const { uri } = await proxied(t, cut, socketOf(lab.uri));
    await using connection = await open(uri('qemu'));
    const { dom } = await connection.call(domainLookupByName, { name: 'talker' }, WAIT);
    const console = await openConsole(connection, { dom, force: true }, WAIT);
    console.resume();
    const failing = once(console, 'error');
    console.write(' '.repeat(1000));
    await assert.rejects(
      failing.then(([error]) => Promise.reject(error as Error)),
      coded('BERTH_CONNECTION_CLOSED'),
    );
    const { state } = await connection.call(domainGetState, { dom }, WAIT);
    assert.equal(state, DomainState.running);
  });
});
