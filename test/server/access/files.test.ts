import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../../../src/api/client.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, tinyVm } from '../rig.ts';
import { startNetRig } from './net-rig.ts';

const skip = await labSkip();

test(
  'no disk of a VM is an image for another one, and operators boot from images alone',
  { skip },
  async () => {
    const lab = await labHost();
    await using rig = await startNetRig();
    const { owner, url } = rig;
    await owner.addHost({ name: 'h1', uri: lab.uri });
    const clientOf = async (name: string, role: 'operator' | 'admin', scope?: string) => {
      const token = await rig.token({ name, role, ...(scope === undefined ? {} : { scope }) });
      return new Client({ url, token });
    };
    const team = await clientOf('team', 'operator', 'app=db');
    const operator = await clientOf('operator', 'operator');
    const admin = await clientOf('admin', 'admin');
    const virsh = (...args: string[]) => execFileSync('virsh', ['-c', lab.uri, ...args]).toString();
    virsh('vol-create-as', 'default', 'stranger.img', '1M');
    virsh('vol-create-as', 'default', 'base.img', '1M');
    const foreign = join(lab.dir, 'stranger.xml');
    const inPool = (name: string): string => `${lab.images.inside}/${name}`;
    await writeFile(
      foreign,
      `<domain type="qemu"><name>stranger</name><memory unit="MiB">64</memory><os><type>hvm</type></os>
        <devices><disk type="file"><source file="${inPool('stranger.img')}"/><target dev="vda"/></disk>
        <disk type="file" device="cdrom"><source file="${inPool('base.img')}"/><target dev="sda"/><readonly/></disk>
        </devices></domain>`,
    );
    virsh('define', foreign);
    const document = (name: string, spec: Partial<VmDocument['spec']>): VmDocument => {
      const made = tinyVm(lab, name, spec);
      return { ...made, metadata: { ...made.metadata, labels: { app: 'db' } } };
    };
    const end = async (client: Client, begun: Promise<OperationView>) =>
      client.wait(await begun, () => {});
    const off = { start: false };
    const from = (image: string) => document('copy', { disks: [{ name: 'root', image }] });
    const boot = (path: string) =>
      document('copy', { boot: { ...tinyVm(lab, 'x').spec.boot, initrd: path } });
    try {
      const web = tinyVm(lab, 'web1', { disks: [{ name: 'root', size: '1MiB' }] });
      await done(owner, await owner.createVm(web, off));
      for (const client of [team, admin, owner]) {
        for (const image of ['web1.root.qcow2', 'stranger.img']) {
          const { state, error } = await end(client, client.createVm(from(image), off));
          assert.deepEqual([state, error?.code], ['undone', 'BERTH_NOT_FOUND'], image);
          const { known = [] } = (error?.data ?? {}) as { readonly known?: readonly string[] };
          const images = client === team ? [] : ['base.img', 'initrd.gz', 'vmlinuz'];
          assert.deepEqual(known.toSorted(), images);
        }
      }
      const secrets = ['/etc/hostname', inPool('web1.root.qcow2'), inPool('../secret'), inPool('')];
      for (const client of [team, operator]) {
        for (const path of secrets) {
          const { state, error } = await end(client, client.createVm(boot(path), off));
          assert.deepEqual([state, error?.code], ['undone', 'BERTH_FORBIDDEN'], path);
        }
      }
      await done(team, await team.createVm(from('base.img'), off));
      const changed = await end(team, team.updateVm(boot('/etc/hostname')));
      assert.deepEqual([changed.state, changed.error?.code], ['undone', 'BERTH_FORBIDDEN']);
      const disk = { disks: [{ name: 'root', image: 'base.img' }] };
      const given = { ...boot('/etc/hostname').spec, ...disk };
      await done(admin, await admin.updateVm(document('copy', given)));
      await done(team, await team.labelVm('copy', { tier: 'gold' }));
    } finally {
      for (const { name } of await owner.vms()) {
        await done(owner, await owner.removeVm(name, { force: true, foreign: true }));
      }
      for (const name of ['stranger.img', 'base.img']) virsh('vol-delete', name, 'default');
    }
  },
);
