import assert from 'node:assert/strict';
import test from 'node:test';
import {
  parseXml,
  readCapabilities,
  readDomainCapabilities,
  readNetwork,
  readNodeDevice,
  readPool,
  readVolume,
  type XmlElement,
} from '../../src/xml/index.ts';

const rootOf = (text: string): XmlElement => parseXml(text, 'test').root;

test('capabilities tell cells, CPUs, caches and kinds of guest', () => {
  const read = readCapabilities(
    rootOf(`<capabilities>
      <host>
        <uuid>8bafcb47-0bd6-4a2d-9e54-1d8a5e9c6b4e</uuid>
        <cpu><arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor></cpu>
        <iommu support='yes'/>
        <topology><cells num='2'>
          <cell id='0'>
            <memory unit='KiB'>2048</memory>
            <pages unit='KiB' size='4'>512</pages>
            <pages unit='KiB' size='1048576'>3</pages>
            <distances><sibling id='0' value='10'/><sibling id='1' value='32'/></distances>
            <cpus num='1'><cpu id='0' socket_id='1' die_id='2' cluster_id='4' core_id='3' siblings='0,64'/></cpus>
          </cell>
          <cell id='5'><memory unit='KiB'>1024</memory><cpus num='1'><cpu id='7'/></cpus></cell>
        </cells></topology>
        <cache><bank id='9' level='3' type='both' size='16' unit='MiB' cpus='0-3,64-67'/></cache>
      </host>
      <guest>
        <os_type>hvm</os_type>
        <arch name='x86_64'>
          <emulator>/usr/bin/qemu-system-x86_64</emulator>
          <machine maxCpus='255'>pc-i440fx-7.2</machine>
          <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>
          <domain type='qemu'/><domain type='kvm'><machine>q35</machine></domain>
        </arch>
      </guest>
    </capabilities>`),
  );
  assert.partialDeepStrictEqual(read, {
    hostUuid: '8bafcb47-0bd6-4a2d-9e54-1d8a5e9c6b4e',
    arch: 'x86_64',
    cpuModel: 'EPYC',
    cpuVendor: 'AMD',
    iommu: true,
    cells: [
      {
        id: 0,
        memoryBytes: 2048 * 1024,
        pages: [
          { sizeBytes: 4096, total: 512 },
          { sizeBytes: 1024 ** 3, total: 3 },
        ],
        distances: [
          { cell: 0, value: 10 },
          { cell: 1, value: 32 },
        ],
        cpus: [{ id: 0, socket: 1, die: 2, cluster: 4, core: 3, siblings: [0, 64] }],
      },
      {
        id: 5,
        memoryBytes: 1024 * 1024,
        pages: [],
        distances: [],
        cpus: [
          {
            id: 7,
            socket: undefined,
            die: undefined,
            cluster: undefined,
            core: undefined,
            siblings: [],
          },
        ],
      },
    ],
    caches: [
      {
        id: 9,
        level: 3,
        type: 'both',
        sizeBytes: 16 * 1024 ** 2,
        cpus: [0, 1, 2, 3, 64, 65, 66, 67],
      },
    ],
    guests: [
      {
        arch: 'x86_64',
        emulator: '/usr/bin/qemu-system-x86_64',
        machines: ['pc-i440fx-7.2', 'q35'],
        domainTypes: ['qemu', 'kvm'],
      },
    ],
  });
});

test('domain capabilities tell the limits of one machine type', () => {
  const read = readDomainCapabilities(
    rootOf(`<domainCapabilities>
      <path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>pc-q35-7.2</machine>
      <arch>x86_64</arch><vcpu max='288'/>
      <os supported='yes'>
        <enum name='firmware'><value>bios</value><value>efi</value></enum>
        <loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE.fd</value></loader>
      </os>
      <cpu>
        <mode name='host-passthrough' supported='yes'/>
        <mode name='custom' supported='yes'>
          <model usable='yes'>qemu64</model><model usable='no'>EPYC</model><model usable='unknown'>new</model>
        </mode>
        <mode name='maximum' supported='no'/>
      </cpu>
    </domainCapabilities>`),
  );
  assert.partialDeepStrictEqual(read, {
    path: '/usr/bin/qemu-system-x86_64',
    domainType: 'kvm',
    machine: 'pc-q35-7.2',
    arch: 'x86_64',
    vcpusMax: 288,
    loaders: ['/usr/share/OVMF/OVMF_CODE.fd'],
    firmwares: ['bios', 'efi'],
    cpuModes: [
      { name: 'host-passthrough', supported: true, models: [] },
      {
        name: 'custom',
        supported: true,
        models: [
          { name: 'qemu64', usable: true },
          { name: 'EPYC', usable: false },
          { name: 'new', usable: undefined },
        ],
      },
      { name: 'maximum', supported: false, models: [] },
    ],
  });
});

test('a PCI device tells its address, cell, IOMMU group and virtual functions', () => {
  const read = readNodeDevice(
    rootOf(`<device>
      <name>pci_0000_3b_00_0</name><path>/sys/devices/pci0000:3a/0000:3b:00.0</path>
      <parent>pci_0000_3a_00_0</parent><driver><name>mlx5_core</name></driver>
      <capability type='pci'>
        <class>0x020000</class><domain>0</domain><bus>59</bus><slot>0</slot><function>0</function>
        <product id='0x1017'>ConnectX-5</product><vendor id='0x15b3'>Mellanox</vendor>
        <capability type='virt_functions' maxCount='8'>
          <address domain='0x0000' bus='0x3b' slot='0x00' function='0x2'/>
        </capability>
        <iommuGroup number='40'><address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/></iommuGroup>
        <numa node='1'/>
      </capability>
    </device>`),
  );
  assert.partialDeepStrictEqual(read, {
    name: 'pci_0000_3b_00_0',
    path: '/sys/devices/pci0000:3a/0000:3b:00.0',
    parent: 'pci_0000_3a_00_0',
    driver: 'mlx5_core',
    pci: {
      address: '0000:3b:00.0',
      class: '0x020000',
      vendor: '0x15b3',
      vendorName: 'Mellanox',
      product: '0x1017',
      productName: 'ConnectX-5',
      cell: 1,
      iommuGroup: 40,
      physicalFunction: undefined,
      virtualFunctions: { addresses: ['0000:3b:00.2'], max: 8 },
    },
  });
});

test('a virtual function names its physical one, and other devices have no PCI part', () => {
  const vf = readNodeDevice(
    rootOf(`<device><name>vf</name><capability type='pci'>
      <domain>1</domain><bus>175</bus><slot>31</slot><function>7</function>
      <capability type='phys_function'><address domain='0x0001' bus='0xaf' slot='0x00' function='0x0'/></capability>
    </capability></device>`),
  );
  assert.equal(vf.pci?.address, '0001:af:1f.7');
  assert.equal(vf.pci?.physicalFunction, '0001:af:00.0');
  assert.equal(vf.pci?.cell, undefined);
  const net = rootOf(`<device><name>net</name><capability type='net'/></device>`);
  assert.equal(readNodeDevice(net).pci, undefined);
});

test('pools and volumes tell their sizes in bytes, which is their unit when none is named', () => {
  const pool = readPool(
    rootOf(`<pool type='dir'><name>default</name><uuid>u</uuid><capacity unit='GiB'>2</capacity>
      <allocation>10</allocation><available unit='bytes'>20</available><target><path>/srv</path></target></pool>`),
  );
  assert.partialDeepStrictEqual(pool, {
    type: 'dir',
    name: 'default',
    uuid: 'u',
    capacityBytes: 2 * 1024 ** 3,
    allocationBytes: 10,
    availableBytes: 20,
    path: '/srv',
  });
  const volume = readVolume(
    rootOf(`<volume type='file'><name>a.qcow2</name><key>/srv/a.qcow2</key><capacity>100</capacity>
      <allocation>10</allocation><physical>12</physical>
      <target><path>/srv/a.qcow2</path><format type='qcow2'/></target>
      <backingStore><path>/srv/base.raw</path><format type='raw'/></backingStore></volume>`),
  );
  assert.partialDeepStrictEqual(volume, {
    type: 'file',
    name: 'a.qcow2',
    key: '/srv/a.qcow2',
    capacityBytes: 100,
    allocationBytes: 10,
    physicalBytes: 12,
    path: '/srv/a.qcow2',
    format: 'qcow2',
    backing: { path: '/srv/base.raw', format: 'raw' },
  });
});

test('a network tells its bridge, and a bare forward means NAT', () => {
  const nat = rootOf(
    `<network><name>n</name><uuid>u</uuid><forward/><bridge name='virbr0'/></network>`,
  );
  assert.partialDeepStrictEqual(readNetwork(nat), {
    name: 'n',
    uuid: 'u',
    forwardMode: 'nat',
    bridge: 'virbr0',
  });
  assert.equal(
    readNetwork(rootOf('<network><forward mode="open"/></network>')).forwardMode,
    'open',
  );
  assert.equal(readNetwork(rootOf('<network/>')).forwardMode, undefined);
});

test('each reader refuses the document of another', () => {
  const readers = [
    readCapabilities,
    readDomainCapabilities,
    readNodeDevice,
    readPool,
    readVolume,
    readNetwork,
  ];
  for (const read of readers) {
    assert.throws(() => read(rootOf('<domain/>')), {
      code: 'BERTH_SPEC_INVALID',
      message: /<domain>/,
    });
  }
});
