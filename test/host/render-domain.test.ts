import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseVmDocument } from '../../src/api/vm-spec.ts';
import type { VmDocument } from '../../src/api/vm-spec.ts';
import { place } from '../../src/engine/place.ts';
import { requestOf } from '../../src/engine/request.ts';
import { domainRecord } from '../../src/host/domain-record.ts';
import type { DomainPlan } from '../../src/host/render-domain.ts';
import { diskTarget, renderDomain } from '../../src/host/render-domain.ts';
import { readDomain } from '../../src/xml/domain.ts';
import { parseXml } from '../../src/xml/index.ts';
import { SYNTHETIC_PCI, syntheticHost } from '../engine/synthetic-host.ts';

const SCHEMA = '/usr/share/libvirt/schemas/domain.rng';
const UUID = '5f1d3a52-0c5e-4a5e-9d55-0d9a4b3a1c01';

/** Two sockets, a cell each, 4 cores with 2 threads, 16 GiB and 2 MiB pages. */
const host = syntheticHost({
  sockets: 2,
  threads: 2,
  cellBytes: 8 * 1024 ** 3,
  pciPerCell: [2],
  pools: [{ sizeKiB: 2048, total: 1024 }],
});

function documentOf(spec: Partial<VmDocument['spec']>): VmDocument {
  const memory = { size: '1GiB' };
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'web' },
    spec: { memory, ...spec },
  };
}

function render(document: VmDocument, arch = 'x86_64', more: Partial<DomainPlan> = {}): string {
  const spec = parseVmDocument(document);
  const result = place([host], requestOf(spec));
  assert.ok(result.ok, JSON.stringify(result));
  return renderDomain({
    uuid: UUID,
    domainType: 'kvm',
    arch,
    spec,
    document,
    placement: result.placement,
    disks: spec.disks.map((disk) => ({
      spec: disk,
      path: `/pool/${disk.name}.qcow2`,
      format: 'qcow2',
    })),
    volumes: spec.disks.map((disk) => `/pool/${disk.name}.qcow2`),
    distance: (from, to) => (from === to ? 10 : 21),
    ...more,
  });
}

const CASES: Readonly<Record<string, Partial<VmDocument['spec']>>> = {
  shared: { cpu: { count: 2 } },
  dedicated: { cpu: { count: 4, policy: 'dedicated' } },
  'two cells with distances': {
    cpu: { count: 8, policy: 'dedicated' },
    numa: { cells: 2 },
    memory: { size: '2GiB' },
  },
  'some vCPUs dedicated, and I/O threads': {
    cpu: {
      count: 4,
      policy: 'mixed',
      dedicatedVcpus: '0-1',
      ioThreads: { count: 2, place: 'isolate' },
    },
    disks: [{ name: 'root', size: '1GiB' }],
    pci: [{ match: SYNTHETIC_PCI, count: 2, locality: 'required' }],
  },
  'huge pages': { cpu: { count: 2, policy: 'dedicated' }, memory: { size: '1GiB', pages: '2MiB' } },
  'interleaved over two cells': { cpu: { count: 4 }, numa: { cells: 2, policy: 'interleave' } },
  'a named CPU model, EFI and every kind of disk and NIC': {
    cpu: { count: 1, model: 'Nehalem' },
    boot: { firmware: 'efi', order: ['cdrom', 'disk', 'network'] },
    disks: [
      { name: 'root', size: '1GiB' },
      { name: 'data', size: '1GiB', bus: 'scsi', cache: 'writeback' },
      { name: 'cd', image: 'debian.iso', device: 'cdrom' },
    ],
    nics: [{ user: true }, { network: 'default' }, { bridge: 'br0', mac: '52:54:00:01:02:03' }],
  },
  'a kernel with a command line that XML must escape': {
    boot: { kernel: '/k', initrd: '/i', cmdline: `a="<b>" c='&'` },
  },
};

for (const [name, spec] of Object.entries(CASES)) {
  test(
    `libvirt's own schema accepts ${name}`,
    { skip: !existsSync(SCHEMA) && 'needs: libvirt-daemon-system, for its schemas' },
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'berth-rng-'));
      const file = join(folder, 'domain.xml');
      writeFileSync(file, render(documentOf(spec)));
      try {
        execFileSync('virt-xml-validate', [file, 'domain'], { stdio: 'pipe' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
}

test('each vCPU is pinned as placed, QEMU’s own threads too, and memory is bound to their cell', () => {
  const document = documentOf({ cpu: { count: 2, policy: 'dedicated', cpuset: '9-10' } });
  const domain = readDomain(parseXml(render(document), 'web').root);
  const { vcpus, emulator, cells } = domainRecord(render(document), 'shutoff').metadata!.placement;
  assert.deepEqual(
    domain.cpuTune?.vcpuPins,
    vcpus.map(({ vcpu, pcpus }) => ({ id: vcpu, cpus: pcpus })),
  );
  assert.deepEqual(
    vcpus.flatMap((seat) => seat.pcpus).toSorted((a, b) => a - b),
    [9, 10],
  );
  assert.deepEqual(domain.cpuTune?.emulatorCpus, emulator);
  assert.equal(domain.numaTune?.memory?.mode, 'strict');
  assert.deepEqual(domain.numaTune?.memory?.hostCells, cells);
});

test('I/O threads are pinned, disks take turns on them, and PCI functions are passed through', () => {
  const xml = render(documentOf(CASES['some vCPUs dedicated, and I/O threads']!));
  const { placement } = domainRecord(xml, 'shutoff').metadata!;
  const domain = readDomain(parseXml(xml, 'web').root);
  assert.match(xml, /<iothreads>2<\/iothreads>/);
  for (const { id, pcpus } of placement.ioThreads ?? []) {
    assert.match(xml, new RegExp(`<iothreadpin iothread=.${id}. cpuset=.${pcpus.join()}.`));
  }
  assert.match(xml, /<driver [^>]*iothread=.1./);
  assert.deepEqual(
    domain.devices.hostdevs.map(({ pci, managed }) => [pci, managed]),
    (placement.pci ?? []).map(({ address }) => [address, true]),
  );
});

test('guest cells lie on host cells and see their distances', () => {
  const domain = readDomain(
    parseXml(render(documentOf(CASES['two cells with distances']!)), 'web').root,
  );
  assert.deepEqual(
    domain.cpu?.cells.map((cell) => [cell.vcpus, cell.memoryBytes, cell.distances]),
    [0, 1].map((id) => [
      [0, 1, 2, 3].map((vcpu) => vcpu + 4 * id),
      1024 ** 3,
      [0, 1].map((cell) => ({ cell, value: cell === id ? 10 : 21 })),
    ]),
  );
  assert.deepEqual(
    domain.numaTune?.cells.map((node) => [node.guestCell, node.mode, node.hostCells]),
    [
      [0, 'strict', [0]],
      [1, 'strict', [1]],
    ],
  );
  const { sockets, dies, cores, threads } = domain.cpu?.topology ?? assert.fail();
  assert.equal(sockets * dies * cores * threads, 8);
});

test('what the user wrote and what was placed come back from the domain', () => {
  const document = documentOf({ disks: [{ name: 'root', size: '1GiB' }] });
  const { metadata, seat, damage } = domainRecord(render(document), 'shutoff');
  assert.deepEqual(metadata?.document, document);
  assert.deepEqual(metadata?.volumes, ['/pool/root.qcow2']);
  assert.equal(damage, undefined);
  assert.deepEqual(
    [seat.vm, seat.managed, seat.running, seat.floating.vcpus],
    ['web', true, false, 1],
  );
});

test('when a VM is expected to be gone comes back with its seat, unless it cannot be read', () => {
  const xml = render(documentOf({}), 'x86_64', { expectedEnd: 1_800_000_000_000 });
  const { metadata, seat } = domainRecord(xml, 'running');
  assert.equal(metadata?.expectedEnd, 1_800_000_000_000);
  assert.equal(seat.expectedEnd, 1_800_000_000_000);
  assert.equal(domainRecord(render(documentOf({})), 'running').seat.expectedEnd, undefined);
  const damaged = domainRecord(xml.replace('>1800000000000<', '>soon<'), 'running');
  assert.equal(damaged.seat.expectedEnd, undefined);
  assert.equal(damaged.seat.managed, true);
});

test('metadata that somebody has damaged makes the domain a foreign one, and says so', () => {
  const xml = render(documentOf({}));
  for (const broken of [
    xml.replace(/<berth:placement>[^<]*</, '<berth:placement>{"host":"h"}<'),
    xml.replace(/<berth:placement>[^<]*</, '<berth:placement>{<'),
    xml.replace(/<berth:document>[^<]*<\/berth:document>/, ''),
  ]) {
    const record = domainRecord(broken, 'running');
    assert.equal(record.metadata, undefined);
    assert.match(record.damage ?? '', /metadata, line \d+: it is not what Berth wrote/);
    assert.equal(record.seat.managed, false);
  }
});

test('disks are named as the kernel counts them', () => {
  assert.deepEqual(
    [0, 25, 26, 51, 52, 701, 702].map((index) => diskTarget('vd', index)),
    ['vda', 'vdz', 'vdaa', 'vdaz', 'vdba', 'vdzz', 'vdaaa'],
  );
});

test('on ARM the machine is virt, and ACPI is there only with UEFI', () => {
  const bare = render(documentOf({}), 'aarch64');
  assert.match(bare, /machine="virt"|machine='virt'/);
  assert.doesNotMatch(bare, /<acpi|<apic/);
  assert.match(render(documentOf({ boot: { firmware: 'efi' } }), 'aarch64'), /<acpi/);
});
