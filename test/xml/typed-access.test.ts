import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { parseXml, setXmlValue, writeXml } from '../../src/xml/index.ts';
import { fixture, fixtures, readAny, READERS, schemaRefusal, schemaSkip } from './kinds.ts';

// Beside each recorded document is what is read of it, as JSON. UPDATE=1 rewrites that; commit only
// differences you can explain.

/** libvirt itself writes an index there that its schema does not know (9.0). */
const INVALID_AS_WRITTEN = ['captured/backup.xml'];

for (const { name, file, text } of fixtures()) {
  test(`${name} is read as the JSON beside it says, and written back byte for byte`, () => {
    const golden = file.replace(/\.xml$/, '.json');
    const read = `${JSON.stringify(readAny(text), null, 2)}\n`;
    if (process.env['UPDATE'] === '1') writeFileSync(golden, read);
    else assert.equal(read, readFileSync(golden, 'utf8'));
    assert.equal(writeXml(parseXml(text, name)), text);
  });
}

test('what is recorded is valid by the schemas of libvirt', { skip: schemaSkip }, async () => {
  for (const { name, text } of fixtures()) {
    const refusal = await schemaRefusal(text);
    assert.equal(refusal !== undefined, INVALID_AS_WRITTEN.includes(name), `${name}: ${refusal}`);
  }
});

test('what is read is frozen through and through', () => {
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  for (const { name, text } of fixtures()) assert.ok(isFrozen(readAny(text)), name);
});

test('a document of another kind is refused by every reader, with its place', () => {
  const { root } = parseXml('\n <other/>', 'other.xml');
  for (const read of Object.values(READERS)) {
    assert.throws(
      () => read(root),
      (error) =>
        isBerthError(error, 'BERTH_SPEC_INVALID') && error.message.startsWith('other.xml:2:2: '),
    );
  }
});

/** Edits that a person would make, in documents of every kind; each leaves a valid one valid. */
const EDITS: readonly (readonly [fixture: string, xpath: string, value: string])[] = [
  ['captured/domain-web.xml', '/domain/vcpu', '3'],
  ['captured/domain-web.xml', '/domain/vcpu/@cpuset', '0-3,^1'],
  ['captured/domain-web.xml', "//disk[target/@dev='vda']/source/@file", '/images/other.qcow2'],
  ['captured/domain-web.xml', "//interface[mac/@address='52:54:00:aa:00:01']/source/@network", 'n'],
  ['captured/domain-web.xml', '(//disk)[last()]/target/@bus', 'scsi'],
  ['captured/domain-web.xml', '/domain/metadata/b:vm/b:seat', '2'],
  ['captured/domain-web.xml', '/domain/description/text()', 'kept & <edited>'],
  ['captured/domain-running.xml', '/domain/@id', '9'],
  ['written/domain-confidential.xml', '/domain/launchSecurity/policy', '0x0001'],
  ['written/domain-confidential.xml', "//qemu:env[@name='QEMU_ENV']/@value", 'x'],
  ['captured/network-lan.xml', '/network/ip[1]/dhcp/range/@end', '192.168.90.150'],
  ['captured/network-lan.xml', "//dns/host[hostname='db1']/@ip", '192.168.90.3'],
  ['captured/network-ovs.xml', "//portgroup[@name='v42']/vlan/tag[2]/@id", '48'],
  ['captured/network-vfs.xml', '/network/forward/pf/@dev', 'eth4'],
  ['captured/pool-san.xml', '/pool/source/host/@name', 'other.example'],
  ['written/pool-rbd.xml', '/pool/source/host[2]/@name', 'mon3.example'],
  ['captured/pool-data.xml', '/pool/target/permissions/mode', '0700'],
  ['captured/volume-web.xml', '/volume/target/clusterSize', '65536'],
  ['written/volume-luks.xml', '/volume/capacity', '6'],
  ['captured/nodedev-disk.xml', '/device/capability/size', '1'],
  ['written/nodedev-sriov.xml', '//iommuGroup/@number', '28'],
  ['captured/snapshot.xml', '/domainsnapshot/description', 'after'],
  ['captured/snapshot.xml', '/domainsnapshot/domain/name', 'other'],
  ['captured/checkpoint.xml', '/domaincheckpoint/disks/disk/@bitmap', 'b9'],
  ['written/backup-push.xml', '/domainbackup/disks/disk[1]/target/@file', '/backup/other.qcow2'],
  ['captured/nwfilter.xml', '/filter/rule[2]/tcp/@dstportstart', '2222'],
  ['captured/nwfilter.xml', "//parameter[@name='IP']/@value", '10.0.0.2'],
  ['captured/capabilities.xml', '/capabilities/host/iommu/@support', 'yes'],
  ['captured/domcapabilities.xml', '/domainCapabilities/vcpu/@max', '240'],
];

test('an edit of any kind of document keeps it valid', { skip: schemaSkip }, async () => {
  const edited = new Set<string>();
  for (const [name, xpath, value] of EDITS) {
    const document = parseXml(fixture(name).text, name);
    setXmlValue(document, xpath, value);
    const text = writeXml(document);
    assert.notEqual(text, fixture(name).text, xpath);
    assert.equal(await schemaRefusal(text), undefined, `${name} ${xpath}`);
    edited.add(document.root.name);
  }
  assert.deepEqual([...edited].toSorted(), Object.keys(READERS).toSorted());
});
