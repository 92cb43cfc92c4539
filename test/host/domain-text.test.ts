import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainRecord } from '../../src/host/domain-record.ts';
import { withoutDevices } from '../../src/host/domain-text.ts';
import { SharedValues } from '../../src/host/shared-values.ts';

const DEVICES = `
  <devices>
    <disk type='file'><source file='/a'/></disk>
  </devices>
`;

function domain(before: string, devices: string): string {
  return `<domain type='kvm'>
  <name>web</name>
  <uuid>5f1d3a52-0c5e-4a5e-9d55-0d9a4b3a1c01</uuid>${before}
  <memory unit='KiB'>1048576</memory>
  <vcpu>2</vcpu>${devices}  <seclabel type='none'/>
</domain>`;
}

test('the devices of a domain are left out, and what stands around them stays', () => {
  const text = withoutDevices(domain('', DEVICES));
  assert.ok(!text.includes('disk'));
  assert.ok(text.includes('<vcpu>2</vcpu>') && text.includes('<seclabel'));
});

test('text that only looks like devices cannot hide what a domain takes', () => {
  const trick = `<metadata><x xmlns='urn:x'><![CDATA[${DEVICES}]]></x></metadata>`;
  for (const xml of [domain(trick, DEVICES), domain(trick, '\n')]) {
    const { seat, name } = domainRecord(xml, 'running');
    assert.equal(name, 'web');
    assert.equal(seat.floating.vcpus, 2);
    assert.equal(seat.memory[0]?.bytes, 1024 ** 3);
  }
});

test('a device that is passed through to the guest is not left out', () => {
  const address = `<address domain='0x0000' bus='0x03' slot='0x00' function='0x1'/>`;
  const hostdev = `<hostdev mode='subsystem' type='pci'><source>${address}</source></hostdev>`;
  const xml = domain('', DEVICES.replace('    <disk', `    ${hostdev}\n    <disk`));
  assert.deepEqual(domainRecord(xml, 'running').seat.pci, ['0000:03:00.1']);
});

test('what records have alike is kept once, and says the same', () => {
  const shared = new SharedValues();
  const value = { vcpus: [{ pcpus: [1, 2, 3] }, { pcpus: [1, 2, 3] }], why: 'a longer reason' };
  const [one, two] = [shared.share(value), shared.share(structuredClone(value))];
  assert.deepEqual(one, value);
  assert.deepEqual(two, value);
  assert.equal(one.vcpus[0]?.pcpus, two.vcpus[1]?.pcpus);
});
