import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { labFolder as folderOfLab } from '../../../src/lab/fleet/lab-folder.ts';
import { LAB_BRIDGE } from '../../../src/lab/fleet/lab-network.ts';
import { startNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import type { NetworkPlace } from '../../../src/lab/private-host/network-place.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';
import { bringUp, fleetSkip, keeperPid, labHome } from '../fleet/test-lab.ts';
import { dropLabFolder, labFolder } from '../lab-host.ts';

const skip = await fleetSkip();

/** A place in a new lab of this process. */
async function freePlace(address: string): Promise<NetworkPlace> {
  const home = labHome();
  await bringUp(home, { hosts: 1 });
  const hosts = join(folderOfLab(home, 'lab'), 'hosts');
  return { keeper: await keeperPid(home), bridge: LAB_BRIDGE, link: 'v-9', address, hosts };
}

function failed(text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isBerthError(error, 'BERTH_HYPERVISOR_FAILED'), String(error));
    assert.match(error.message, text);
    return true;
  };
}

describe('a host that does not get what leads into it', { skip, concurrency: false }, () => {
  test('does not come up without its address', async () => {
    const dir = await labFolder();
    const place = await freePlace('198.18.0.300/24');
    const start = startNamespaceHost({ dir, name: 'nowhere', hideKvm: true, place });
    await assert.rejects(start, failed(/198\.18\.0\.300/));
    await dropLabFolder(dir);
  });

  test('does not come up without its SSH daemon, and tells in whose words', async () => {
    const dir = await labFolder();
    const place = await freePlace('198.18.0.9/24');
    const authorizedKeys = join(dir, 'id.pub');
    await writeFile(authorizedKeys, '');
    const hostKey = join(dir, 'no-such-key');
    const program = await findProgram('sshd');
    assert.ok(program !== undefined);
    for (const [sshd, text] of [
      [program, /no hostkeys available/],
      ['/bin/false', /it ended with status/],
    ] as const) {
      const ssh = { program: sshd, hostKey, authorizedKeys };
      const start = startNamespaceHost({ dir, name: 'closed', hideKvm: true, place, ssh });
      await assert.rejects(start, failed(text));
    }
    await dropLabFolder(dir);
  });
});
