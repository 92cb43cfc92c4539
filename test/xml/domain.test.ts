import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { domainMetadata, parseXml, readDomain, type DomainXml } from '../../src/xml/index.ts';

const FIXTURE = path.join(import.meta.dirname, '../fixtures/xml/pinned-domain.xml');
const { root } = parseXml(readFileSync(FIXTURE, 'utf8'), 'pinned-domain.xml');
const domain = readDomain(root);
const GIB = 1024 ** 3;

function read(inner: string, attributes = ''): DomainXml {
  return readDomain(parseXml(`<domain${attributes}>${inner}</domain>`, 'test').root);
}

test('a domain tells its identity and its memory in bytes', () => {
  const { type, id, name, uuid, title, memoryBytes, currentMemoryBytes, maxMemory } = domain;
  assert.deepEqual(
    { type, id, name, uuid, title, memoryBytes, currentMemoryBytes, maxMemory },
    {
      type: 'kvm',
      id: 12,
      name: 'db1',
      uuid: '0f8a9c52-6d55-4a6e-9f0a-1b1c2d3e4f50',
      title: 'Orders database',
      memoryBytes: 8 * GIB,
      currentMemoryBytes: 8 * GIB,
      maxMemory: { bytes: 32 * GIB, slots: 16 },
    },
  );
});

test('a domain tells its vCPUs and I/O threads', () => {
  assert.deepEqual(domain.vcpu, {
    count: 4,
    current: 2,
    cpus: [0, 1, 2, 4, 5, 6, 7],
    placement: 'static',
  });
  assert.deepEqual(
    domain.vcpus.map(({ id, enabled, hotpluggable, order }) => [id, enabled, hotpluggable, order]),
    [
      [0, true, false, 1],
      [1, true, true, undefined],
      [2, false, true, undefined],
    ],
  );
  assert.equal(domain.iothreads, 2);
  assert.deepEqual(domain.iothreadIds, [1, 5]);
});

test('a domain tells where its threads are pinned', () => {
  assert.partialDeepStrictEqual(domain.cpuTune, {
    vcpuPins: [
      { id: 0, cpus: [2] },
      { id: 1, cpus: [4, 5] },
    ],
    iothreadPins: [{ id: 5, cpus: [6] }],
    emulatorCpus: [0, 1],
    shares: 2048,
    periodUs: 100_000,
    quotaUs: -1,
    emulatorPeriodUs: undefined,
    emulatorQuotaUs: undefined,
    globalPeriodUs: undefined,
    globalQuotaUs: undefined,
    schedulers: [
      { of: 'vcpu', ids: [0, 1], policy: 'fifo', priority: 1 },
      { of: 'emulator', ids: undefined, policy: 'rr', priority: 2 },
    ],
  });
});

test('a domain tells where its memory comes from, and words unknown today are kept', () => {
  assert.deepEqual(domain.numaTune, {
    memory: { mode: 'strict', hostCells: [0, 1], placement: undefined },
    cells: [
      { guestCell: 0, mode: 'strict', hostCells: [0], placement: undefined },
      { guestCell: 1, mode: 'someday', hostCells: [1], placement: undefined },
    ],
  });
  assert.deepEqual(domain.memoryBacking, {
    hugepages: [
      { sizeBytes: GIB, guestCells: [0] },
      { sizeBytes: 2 * 1024 ** 2, guestCells: [1] },
    ],
    locked: true,
    nosharepages: true,
    sourceType: 'memfd',
    access: 'shared',
    allocation: 'immediate',
  });
});

test('a domain tells the processor and the cells that the guest sees', () => {
  assert.equal(domain.cpu?.mode, 'host-passthrough');
  assert.equal(domain.cpu?.migratable, true);
  assert.deepEqual(domain.cpu?.topology, {
    sockets: 1,
    dies: 1,
    clusters: 1,
    cores: 2,
    threads: 2,
  });
  assert.deepEqual(domain.cpu?.features, [{ name: 'invtsc', policy: 'require' }]);
  assert.deepEqual(domain.cpu?.cells, [
    {
      id: 0,
      vcpus: [0, 1],
      memoryBytes: 4 * GIB,
      memAccess: 'shared',
      discard: undefined,
      distances: [
        { cell: 0, value: 10 },
        { cell: 1, value: 21 },
      ],
    },
    {
      id: 1,
      vcpus: [2, 3],
      memoryBytes: 4 * GIB,
      memAccess: undefined,
      discard: true,
      distances: [],
    },
  ]);
});

test('a domain tells what it boots', () => {
  assert.deepEqual(domain.os, {
    type: 'hvm',
    arch: 'x86_64',
    machine: 'pc-q35-7.2',
    firmware: 'efi',
    loader: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    loaderSecure: false,
    nvram: '/var/lib/libvirt/qemu/nvram/db1_VARS.fd',
    kernel: '/boot/vmlinuz',
    initrd: '/boot/initrd.gz',
    cmdline: 'console=ttyS0',
    boot: ['hd', 'network'],
  });
});

test('a domain tells its disks', () => {
  const [root, data, seed] = domain.devices.disks;
  assert.partialDeepStrictEqual(root, {
    type: 'file',
    device: 'disk',
    source: {
      path: '/srv/images/db1.qcow2',
      protocol: undefined,
      name: undefined,
      pool: undefined,
      volume: undefined,
      pci: undefined,
    },
    targetDev: 'vda',
    targetBus: 'virtio',
    driver: {
      name: 'qemu',
      type: 'qcow2',
      cache: 'none',
      io: 'native',
      discard: 'unmap',
      queues: 4,
      iothread: 5,
    },
    readonly: false,
    shareable: false,
    serial: 'root',
    bootOrder: 1,
    alias: 'virtio-disk0',
  });
  assert.equal(data?.source?.protocol, 'rbd');
  assert.equal(data?.source?.name, 'pool/image');
  assert.equal(data?.shareable, true);
  assert.partialDeepStrictEqual(
    [seed?.device, seed?.source?.pool, seed?.source?.volume, seed?.readonly],
    ['cdrom', 'default', 'seed.iso', true],
  );
});

test('a domain tells its interfaces, consoles and host devices', () => {
  const { interfaces, serials, consoles, hostdevs, emulator } = domain.devices;
  assert.equal(emulator, '/usr/bin/qemu-system-x86_64');
  assert.partialDeepStrictEqual(interfaces[0], {
    type: 'bridge',
    source: 'br0',
    sourceMode: undefined,
    pci: undefined,
    mac: '52:54:00:ab:cd:01',
    model: 'virtio',
    targetDev: 'vnet3',
    driver: 'vhost',
    queues: 4,
    vlans: [100],
    bootOrder: undefined,
    alias: 'net0',
  });
  assert.equal(interfaces[1]?.pci, '0000:3b:02.1');
  assert.partialDeepStrictEqual(
    [...serials, ...consoles].map(({ sourcePath, targetType, targetPort }) => [
      sourcePath,
      targetType,
      targetPort,
    ]),
    [
      ['/dev/pts/4', 'isa-serial', 0],
      ['/dev/pts/4', 'serial', 0],
    ],
  );
  assert.partialDeepStrictEqual(
    hostdevs.map(({ type, managed, pci, mdevUuid }) => [type, managed, pci, mdevUuid]),
    [
      ['pci', true, '0001:af:1f.7', undefined],
      ['mdev', false, undefined, 'c2177883-f1bb-47f0-914d-32a22e3a8804'],
    ],
  );
});

test('metadata is found by namespace alone', () => {
  assert.equal(domainMetadata(root, 'https://berth.dev/xmlns/vm/1')?.attribute('version'), '1');
  assert.equal(domainMetadata(root, 'urn:example:app')?.name, 'app:tag');
  assert.equal(domainMetadata(root, 'urn:nobody'), undefined);
});

test('what is absent is undefined or empty, and libvirt’s defaults hold', () => {
  const empty = read('');
  assert.equal(empty.name, undefined);
  assert.equal(empty.vcpu, undefined);
  assert.equal(empty.cpuTune, undefined);
  assert.deepEqual(empty.devices.disks, []);
  assert.equal(read('<vcpu placement="auto"/>').vcpu?.count, 1);
  assert.deepEqual(
    read('<memoryBacking><hugepages/></memoryBacking>').memoryBacking?.hugepages,
    [],
  );
  assert.equal(read('<memoryBacking/>').memoryBacking?.hugepages, undefined);
});

test('each unit of memory is the number of bytes that libvirt takes it for', () => {
  const units: readonly (readonly [string, number])[] = [
    ['', 1024 * 3],
    [' unit="b"', 3],
    [' unit="bytes"', 3],
    [' unit="KB"', 3000],
    [' unit="k"', 3 * 1024],
    [' unit="KiB"', 3 * 1024],
    [' unit="MB"', 3e6],
    [' unit="M"', 3 * 1024 ** 2],
    [' unit="MiB"', 3 * 1024 ** 2],
    [' unit="GB"', 3e9],
    [' unit="G"', 3 * GIB],
    [' unit="gib"', 3 * GIB],
    [' unit="TB"', 3e12],
    [' unit="T"', 3 * 1024 ** 4],
    [' unit="TiB"', 3 * 1024 ** 4],
  ];
  for (const [unit, bytes] of units) {
    assert.equal(read(`<memory${unit}>3</memory>`).memoryBytes, bytes, unit);
  }
});

test('a value that is no number, size or list is refused with its place', () => {
  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['<memory>much</memory>', 'BERTH_SPEC_INVALID', /^test:1:9: .*"much"/],
    ['<memory>-1</memory>', 'BERTH_SPEC_INVALID', /-1/],
    ['<memory>1.5</memory>', 'BERTH_SPEC_INVALID', /1\.5/],
    ['<memory unit="furlong">1</memory>', 'BERTH_SPEC_INVALID', /furlong/],
    ['<memory unit="PiB">9</memory>', 'BERTH_RANGE', /^test:1:9: <memory> is 9 PiB/],
    ['<vcpu current="x">1</vcpu>', 'BERTH_SPEC_INVALID', /current of <vcpu>/],
    ['<vcpu cpuset="3-1">1</vcpu>', 'BERTH_SPEC_INVALID', /^test:1:9: cpuset of <vcpu>/],
    ['<vcpu>99999999999999999999</vcpu>', 'BERTH_SPEC_INVALID', /99999/],
  ];
  for (const [inner, code, message] of refusals)
    assert.throws(() => read(inner), { code, message });
  const { root } = parseXml('<network/>', 'test');
  assert.throws(() => readDomain(root), {
    code: 'BERTH_SPEC_INVALID',
    message: /^test:1:1: .*<network>/,
  });
});

test('what was read cannot be changed', () => {
  assert.ok(Object.isFrozen(domain) && Object.isFrozen(domain.devices.disks[0]?.driver));
});
