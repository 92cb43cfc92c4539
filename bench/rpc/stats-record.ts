import { randomUUID } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../src/base/assert.ts';
import { runCommand } from '../../src/lab/system/run-command.ts';
import {
  connect,
  connectGetAllDomainStats,
  domainCreateXml,
  domainDestroyFlags,
  type TypedParam,
} from '../../src/libvirt/index.ts';
import { XdrWriter } from '../../src/libvirt/xdr/xdr-writer.ts';
import type { LabHost } from '../../test/lab/lab-host.ts';

const WAIT = { deadlineMs: 60_000 };
const NAME = 'recorded';
const REPLY_BYTES_MAX = 32 * 1024 * 1024;

/**
 * A reply with the statistics of that many domains. They are those that libvirt tells of one real
 * QEMU guest with four vCPUs, two disks and two NICs, but names and all counters differ from domain
 * to domain, as they do on a host.
 */
export async function recordStats(lab: LabHost, count: number): Promise<Buffer> {
  const params = await statsOf(lab);
  const retStats = Array.from({ length: count }, (_, index) => ({
    dom: { name: `guest-${index}`, uuid: randomUUID(), id: index + 1 },
    params: params.map((param) => varied(param, BigInt(index))),
  }));
  const bounds = { headroom: 0, bytesMax: REPLY_BYTES_MAX };
  const writer = new XdrWriter('the recorded statistics', bounds);
  connectGetAllDomainStats.result.write(writer, { retStats });
  return writer.finish();
}

async function statsOf(lab: LabHost): Promise<readonly TypedParam[]> {
  const connection = await connect(lab.uri, { environment: { uid: 0 } }, WAIT);
  try {
    const xmlDesc = await guestXml(lab);
    const { dom } = await connection.call(domainCreateXml, { xmlDesc, flags: 0 }, WAIT);
    const asked = { doms: [dom], stats: 0, flags: 0 };
    const { retStats } = await connection.call(connectGetAllDomainStats, asked, WAIT);
    await connection.call(domainDestroyFlags, { dom, flags: 0 }, WAIT);
    return present(retStats[0], 'the statistics of the guest').params;
  } finally {
    await connection.close(WAIT);
  }
}

async function guestXml({ images }: LabHost): Promise<string> {
  const devices = await Promise.all(
    ['vda', 'vdb'].map(async (target) => {
      const file = join(images.outside, `${target}.qcow2`);
      await runCommand(['qemu-img', 'create', '-q', '-f', 'qcow2', file, '64M'], WAIT);
      await chmod(file, 0o666); // QEMU runs as a user of its own
      return `<disk type='file'><driver name='qemu' type='qcow2'/>
<source file='${images.inside}/${target}.qcow2'/><target dev='${target}' bus='virtio'/></disk>`;
    }),
  );
  const nics = ['nic0', 'nic1'].map(
    (target) => `<interface type='ethernet'><target dev='${target}'/></interface>`,
  );
  return `<domain type='qemu'><name>${NAME}</name><memory unit='MiB'>64</memory><vcpu>4</vcpu>
<os><type machine='q35'>hvm</type></os>
<devices>${[...devices, ...nics].join('')}<memballoon model='virtio'/></devices></domain>`;
}

function varied(param: TypedParam, by: bigint): TypedParam {
  if (param.type !== 'ullong') return param;
  return { ...param, value: param.value + by * 977n + 1n };
}
