import { readBasics, type DeviceBasics } from './device-address.ts';
import type { XmlElement } from './element.ts';
import { bytesOf, flagAttribute, integerAttribute, integerOf, intSetOf, textOf } from './value.ts';

/** A `<controller>`: what disks, ports and PCI functions of the guest hang on. */
export interface DomainController extends DeviceBasics {
  /** pci, scsi, sata, ide, usb, virtio-serial, ccid, nvme ... */
  readonly type: string | undefined;
  readonly index: number | undefined;
  /** pcie-root-port, pcie-expander-bus, virtio-scsi, qemu-xhci ... */
  readonly model: string | undefined;
  /** The guest cell that an expander bus is in: what hangs on it is local there. */
  readonly guestCell: number | undefined;
  /** The number of an expander bus. */
  readonly busNr: number | undefined;
  readonly ports: number | undefined;
  readonly queues: number | undefined;
  readonly iothread: number | undefined;
}

/** A `<memory>` device: memory that is plugged in. */
export interface DomainMemoryDevice extends DeviceBasics {
  /** dimm, nvdimm, virtio-mem, virtio-pmem or sgx-epc. */
  readonly model: string | undefined;
  readonly sizeBytes: number | undefined;
  /** The guest cell it is in. */
  readonly guestCell: number | undefined;
  /** What virtio-mem is asked for, and what it gives now. */
  readonly requestedBytes: number | undefined;
  readonly currentBytes: number | undefined;
  readonly blockBytes: number | undefined;
  /** The page size and host cells it is taken from; undefined for the domain's own. */
  readonly pageSizeBytes: number | undefined;
  readonly hostCells: readonly number[] | undefined;
  /** The file behind it, for nvdimm and virtio-pmem. */
  readonly path: string | undefined;
}

/** A `<memballoon>`: by it the guest gives memory back to the host. */
export interface DomainBalloon extends DeviceBasics {
  /** virtio, or none. */
  readonly model: string | undefined;
  /** Gives memory back by itself before the guest runs out of it. */
  readonly autodeflate: boolean | undefined;
  /** The guest tells which pages it does not use. */
  readonly freePageReporting: boolean | undefined;
  /** How often the guest's figures are fetched, in seconds; 0 never. */
  readonly statsPeriodS: number | undefined;
}

/** A `<tpm>`. */
export interface DomainTpm extends DeviceBasics {
  /** tpm-tis, tpm-crb, tpm-spapr ... */
  readonly model: string | undefined;
  /** emulator, passthrough or external. */
  readonly backend: string | undefined;
  /** 1.2 or 2.0, of an emulated one. */
  readonly version: string | undefined;
  /** The device of the host that is passed through. */
  readonly devicePath: string | undefined;
}

/** An `<rng>`: random bytes of the host for the guest. */
export interface DomainRng extends DeviceBasics {
  readonly model: string | undefined;
  /** random, egd or builtin. */
  readonly backend: string | undefined;
  readonly path: string | undefined;
  /** At most so many bytes in a period of so many milliseconds. */
  readonly rateBytes: number | undefined;
  readonly ratePeriodMs: number | undefined;
}

/** A `<watchdog>`, which the guest has to feed. */
export interface DomainWatchdog extends DeviceBasics {
  readonly model: string | undefined;
  /** What is done when the guest stops feeding it: reset, poweroff, pause, dump, inject-nmi ... */
  readonly action: string | undefined;
}

/** An `<iommu>` of the guest. */
export interface DomainIommu {
  /** intel, smmuv3 or virtio. */
  readonly model: string | undefined;
  readonly intremap: boolean | undefined;
  readonly cachingMode: boolean | undefined;
  readonly eim: boolean | undefined;
  readonly iotlb: boolean | undefined;
  readonly addressWidthBits: number | undefined;
}

/** A `<vsock>`: sockets between host and guest without a network. */
export interface DomainVsock extends DeviceBasics {
  readonly model: string | undefined;
  /** The number the host reaches the guest by, from 3. */
  readonly cid: number | undefined;
  readonly autoCid: boolean | undefined;
}

/** Devices of the guest's board that carry no data of their own. */
export interface DomainBoard {
  readonly controllers: readonly DomainController[];
  readonly memoryDevices: readonly DomainMemoryDevice[];
  readonly balloon: DomainBalloon | undefined;
  readonly tpms: readonly DomainTpm[];
  readonly rngs: readonly DomainRng[];
  readonly watchdogs: readonly DomainWatchdog[];
  /** The models of panic devices: isa, hyperv, pvpanic ... */
  readonly panics: readonly (string | undefined)[];
  readonly iommu: DomainIommu | undefined;
  readonly vsock: DomainVsock | undefined;
}

/**
 * Reads those of a domain.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readBoard(domain: XmlElement): DomainBoard {
  const all = (name: string): readonly XmlElement[] => domain.findAll(`devices/${name}`);
  const one = <T>(name: string, read: (device: XmlElement) => T): T | undefined =>
    all(name).map(read)[0];
  return {
    controllers: all('controller').map(readController),
    memoryDevices: all('memory').map(readMemoryDevice),
    balloon: one('memballoon', readBalloon),
    tpms: all('tpm').map(readTpm),
    rngs: all('rng').map(readRng),
    watchdogs: all('watchdog').map((watchdog) => ({
      model: watchdog.attribute('model'),
      action: watchdog.attribute('action'),
      ...readBasics(watchdog),
    })),
    panics: all('panic').map((panic) => panic.attribute('model')),
    iommu: one('iommu', readIommu),
    vsock: one('vsock', readVsock),
  };
}

function readController(controller: XmlElement): DomainController {
  const target = controller.child('target');
  const driver = controller.child('driver');
  return {
    type: controller.attribute('type'),
    index: integerAttribute(controller, 'index'),
    model: controller.attribute('model'),
    guestCell: integerOf(target?.child('node')),
    busNr: integerAttribute(target, 'busNr'),
    ports: integerAttribute(controller, 'ports'),
    queues: integerAttribute(driver, 'queues'),
    iothread: integerAttribute(driver, 'iothread'),
    ...readBasics(controller),
  };
}

function readMemoryDevice(memory: XmlElement): DomainMemoryDevice {
  const target = memory.child('target');
  const source = memory.child('source');
  return {
    model: memory.attribute('model'),
    sizeBytes: bytesOf(target?.child('size')),
    guestCell: integerOf(target?.child('node')),
    requestedBytes: bytesOf(target?.child('requested')),
    currentBytes: bytesOf(target?.child('current')),
    blockBytes: bytesOf(target?.child('block')),
    pageSizeBytes: bytesOf(source?.child('pagesize')),
    hostCells: intSetOf(source?.child('nodemask')),
    path: textOf(source?.child('path')),
    ...readBasics(memory),
  };
}

function readBalloon(balloon: XmlElement): DomainBalloon {
  return {
    model: balloon.attribute('model'),
    autodeflate: flagAttribute(balloon, 'autodeflate'),
    freePageReporting: flagAttribute(balloon, 'freePageReporting'),
    statsPeriodS: integerAttribute(balloon.child('stats'), 'period'),
    ...readBasics(balloon),
  };
}

function readTpm(tpm: XmlElement): DomainTpm {
  const backend = tpm.child('backend');
  return {
    model: tpm.attribute('model'),
    backend: backend?.attribute('type'),
    version: backend?.attribute('version'),
    devicePath: backend?.child('device')?.attribute('path'),
    ...readBasics(tpm),
  };
}

function readRng(rng: XmlElement): DomainRng {
  const backend = rng.child('backend');
  const rate = rng.child('rate');
  return {
    model: rng.attribute('model'),
    backend: backend?.attribute('model'),
    path: backend?.attribute('model') === 'random' ? textOf(backend) : undefined,
    rateBytes: integerAttribute(rate, 'bytes'),
    ratePeriodMs: integerAttribute(rate, 'period'),
    ...readBasics(rng),
  };
}

function readIommu(iommu: XmlElement): DomainIommu {
  const driver = iommu.child('driver');
  return {
    model: iommu.attribute('model'),
    intremap: flagAttribute(driver, 'intremap'),
    cachingMode: flagAttribute(driver, 'caching_mode'),
    eim: flagAttribute(driver, 'eim'),
    iotlb: flagAttribute(driver, 'iotlb'),
    addressWidthBits: integerAttribute(driver, 'aw_bits'),
  };
}

function readVsock(vsock: XmlElement): DomainVsock {
  const cid = vsock.child('cid');
  return {
    model: vsock.attribute('model'),
    cid: integerAttribute(cid, 'address'),
    autoCid: flagAttribute(cid, 'auto'),
    ...readBasics(vsock),
  };
}
