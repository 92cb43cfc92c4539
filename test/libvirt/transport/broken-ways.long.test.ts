import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { breakLabHost, mendLabHost } from '../../../src/lab/fleet/break-lab-host.ts';
import { fleetSkip, NO_TOPOLOGY } from '../../lab/fleet/test-lab.ts';
import { until } from '../../lab/tiny-guest.ts';
import { farHost, type FarHost } from './far-host.ts';

const skip = await fleetSkip();
/** A dead peer is found after a silence and two questions. */
const RHYTHM = { intervalMs: 1000, misses: 2 };

describe('a way to a host that breaks', { skip, concurrency: false }, () => {
  let host: FarHost;
  before(async () => {
    host = await farHost();
  });
  after(async () => host.client.stop());

  function ways(): readonly string[] {
    const pki = encodeURIComponent(`${host.lab}/pki`);
    return [
      `qemu+ssh://root@${host.address}/system`,
      `qemu+ssh://root@${host.address}/system?proxy=netcat`,
      `qemu+tls://${host.address}/system?pkipath=${pki}`,
    ];
  }

  async function brokenBy(...fault: readonly string[]): Promise<readonly string[]> {
    const place = { home: host.home, host: host.name, own: NO_TOPOLOGY };
    const signal = AbortSignal.timeout(60_000);
    const held = await Promise.all(
      ways().map(async (uri) => host.client.hold({ uri, options: { keepalive: RHYTHM } })),
    );
    await breakLabHost(place, fault, signal);
    const ended = await Promise.all(held.map(async ({ closed }) => closed));
    await mendLabHost(place, undefined, signal);
    await until('the mended host', 30_000, async () => {
      const answers = ways().map(async (uri) => host.client.ask({ uri, does: 'hostname' }));
      return (await Promise.all(answers)).every(({ failure }) => failure === undefined);
    });
    for (const { code } of ended) assert.equal(code, 'BERTH_CONNECTION_CLOSED');
    return ended.map(({ message }) => message);
  }

  test('is found dead by keepalive when the cable is pulled, and leaves no ssh', async () => {
    for (const message of await brokenBy('network-cut')) assert.match(message, /no sign of life/);
    assert.equal(await host.beside('sh', '-c', 'pgrep -x ssh || true'), '');
  });

  test('is found dead by keepalive when the host stands still', async () => {
    for (const message of await brokenBy('freeze')) assert.match(message, /no sign of life/);
  });

  test('tells that the daemon has gone', async () => {
    for (const message of await brokenBy('libvirtd-kill')) {
      assert.match(message, /closed it|reset|End of file/);
    }
  });
});
