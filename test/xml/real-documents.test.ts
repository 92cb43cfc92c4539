import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseXml, selectXml, setXmlValue, writeXml } from '../../src/xml/index.ts';
import { daemon, folderPoolXml, skip, virsh } from '../libvirt/daemon.ts';
import { fixture, readAny, READERS, schemaRefusal } from './kinds.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-real-xml-'));
after(() => rmSync(folder, { recursive: true }));

/** Hands a document to a command of virsh, as `FILE`. */
async function give(text: string, ...command: readonly string[]): Promise<void> {
  const file = join(folder, 'given.xml');
  writeFileSync(file, text);
  await virsh('qemu', ...command.map((word) => (word === 'FILE' ? file : word)));
}

/** A document of the daemon is read, comes back byte for byte, and is valid. */
async function checked(text: string): Promise<string> {
  assert.equal(writeXml(parseXml(text, 'libvirt')), text);
  assert.equal(await schemaRefusal(text), undefined);
  readAny(text);
  return text;
}

interface Kind {
  readonly fixture: string;
  readonly define: readonly string[];
  readonly dump: readonly string[];
  /** An edit that libvirt takes, and says back. */
  readonly edit: readonly [xpath: string, value: string];
}

/** What libvirt keeps a definition of: edited here, given back, and asked for again. */
const DEFINED: readonly Kind[] = [
  {
    fixture: 'captured/network-lan.xml',
    define: ['net-define', 'FILE'],
    dump: ['net-dumpxml', 'lan'],
    edit: ["//dhcp/host[@name='db1']/@ip", '192.168.90.7'],
  },
  {
    fixture: 'captured/network-ovs.xml',
    define: ['net-define', 'FILE'],
    dump: ['net-dumpxml', 'ovs'],
    edit: ["//portgroup[@name='v42']/vlan/tag[@id='47']/@id", '48'],
  },
  {
    fixture: 'captured/network-vfs.xml',
    define: ['net-define', 'FILE'],
    dump: ['net-dumpxml', 'vfs'],
    edit: ['/network/forward/pf/@dev', 'eth4'],
  },
  {
    fixture: 'captured/pool-san.xml',
    define: ['pool-define', 'FILE'],
    dump: ['pool-dumpxml', 'san'],
    edit: ['/pool/source/initiator/iqn/@name', 'iqn.2013-06.example:other'],
  },
  {
    fixture: 'captured/nwfilter.xml',
    define: ['nwfilter-define', 'FILE'],
    dump: ['nwfilter-dumpxml', 'berth-net'],
    edit: ['/filter/rule[tcp]/tcp/@dstportstart', '2222'],
  },
  {
    fixture: 'captured/domain-web.xml',
    define: ['define', 'FILE'],
    dump: ['dumpxml', 'web'],
    edit: ["//interface[mac/@address='52:54:00:aa:00:01']/source/@network", 'other'],
  },
];

before(async () => {
  if (skip !== false) return;
  await daemon();
  await give(
    "<filter name='no-arp'><rule action='drop' direction='inout'/></filter>",
    'nwfilter-define',
    'FILE',
  );
});

for (const { fixture: name, define, dump, edit } of DEFINED) {
  test(`libvirt takes ${name}, says it back, and takes an edit of it`, { skip }, async () => {
    const { text } = fixture(name);
    await give(text, ...define);
    const told = await checked(await virsh('qemu', ...dump));
    assert.deepEqual(inAnyOrder(readAny(told)), inAnyOrder(readAny(text)));

    const document = parseXml(told, 'libvirt');
    const [place] = selectXml(document, edit[0]);
    assert.ok(place !== undefined);
    setXmlValue(document, ...edit);
    const edited = await checked(writeXml(document));
    await give(edited, ...define);
    assert.equal(await virsh('qemu', ...dump), edited);
  });
}

/** libvirt orders controllers anew when it reads them. */
function inAnyOrder(read: object): unknown {
  return JSON.parse(JSON.stringify(read), (key, value: unknown) =>
    key === 'controllers' && Array.isArray(value)
      ? value.map((one) => JSON.stringify(one)).toSorted()
      : value,
  );
}

test('what libvirt tells of this host and its devices is read and valid', { skip }, async () => {
  const devices = (await virsh('qemu', 'nodedev-list')).split('\n').map((name) => name.trim());
  const documents = [
    await virsh('qemu', 'capabilities'),
    await virsh('qemu', 'domcapabilities', '--machine', 'q35'),
    await virsh('test', 'capabilities'),
    ...(await Promise.all(devices.map(async (name) => virsh('qemu', 'nodedev-dumpxml', name)))),
  ];
  const roots = new Set<string>();
  for (const text of documents) roots.add(parseXml(await checked(text), 'libvirt').root.name);
  assert.deepEqual([...roots].toSorted(), ['capabilities', 'device', 'domainCapabilities']);
});

test(
  'volumes, snapshots, checkpoints and backups of a guest that runs are read',
  { skip },
  async () => {
    const { images } = await daemon();
    const disk = `${images.inside}/images/small.qcow2`;
    await give(await folderPoolXml('images'), 'pool-create', 'FILE');
    await give(
      "<volume><name>small.qcow2</name><capacity unit='MiB'>8</capacity><target><format type='qcow2'/><compat>1.1</compat></target></volume>",
      'vol-create',
      'images',
      'FILE',
    );
    await give(
      `<domain type='qemu'><name>small</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
       <os><type arch='x86_64' machine='q35'>hvm</type></os>
       <devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='${disk}'/>
       <target dev='vda' bus='virtio'/></disk></devices></domain>`,
      'create',
      'FILE',
    );
    try {
      const seen = await documentsOfGuest(disk);
      const kinds = [...new Set(seen)].toSorted();
      assert.deepEqual(kinds, [
        'domain',
        'domainbackup',
        'domaincheckpoint',
        'domainsnapshot',
        'pool',
        'volume',
      ]);
      assert.ok(kinds.every((kind) => Object.hasOwn(READERS, kind)));
    } finally {
      await virsh('qemu', 'destroy', 'small');
    }
  },
);

/** Makes one of each and reads what libvirt says of it; the names of their roots. */
async function documentsOfGuest(disk: string): Promise<readonly string[]> {
  const texts = [
    await checked(await virsh('qemu', 'dumpxml', 'small')),
    await checked(await virsh('qemu', 'pool-dumpxml', 'images')),
    await checked(await virsh('qemu', 'vol-dumpxml', '--pool', 'images', 'small.qcow2')),
  ];
  await give(
    "<domaincheckpoint><name>c1</name><disks><disk name='vda'/></disks></domaincheckpoint>",
    'checkpoint-create',
    'small',
    'FILE',
  );
  texts.push(await checked(await virsh('qemu', 'checkpoint-dumpxml', 'small', 'c1')));
  await give(
    `<domainbackup mode='pull'><incremental>c1</incremental>
       <server transport='tcp' name='127.0.0.1' port='10809'/>
       <disks><disk name='vda' type='file'><scratch file='${disk}.scratch'/></disk></disks></domainbackup>`,
    'backup-begin',
    'small',
    'FILE',
  );
  // libvirt 9.0 writes an index there that its own schema does not know.
  texts.push(await virsh('qemu', 'backup-dumpxml', 'small'));
  await virsh('qemu', 'domjobabort', 'small');
  await virsh('qemu', 'checkpoint-delete', 'small', 'c1');
  await give(
    `<domainsnapshot><name>s1</name><disks><disk name='vda' snapshot='external'>
       <source file='${disk}.s1'/></disk></disks></domainsnapshot>`,
    'snapshot-create',
    'small',
    'FILE',
    '--disk-only',
  );
  texts.push(await checked(await virsh('qemu', 'snapshot-dumpxml', 'small', 's1')));
  return texts.map((text) => {
    readAny(text);
    return parseXml(text, 'libvirt').root.name;
  });
}
