import {
  readGuestCpu,
  readVcpuCount,
  readVcpuStates,
  type GuestCpu,
  type VcpuCount,
  type VcpuState,
} from './domain-cpu.ts';
import { readDevices, type DomainDevices } from './domain-devices.ts';
import {
  readClock,
  readFeatures,
  readLaunchSecurity,
  readLifecycle,
  readQemuCommandLine,
  readSecurityLabel,
  type DomainClock,
  type DomainFeatures,
  type DomainLifecycle,
  type LaunchSecurity,
  type QemuCommandLine,
  type SecurityLabel,
} from './domain-platform.ts';
import {
  readCpuTune,
  readMemoryBacking,
  readMemoryTune,
  readNumaTune,
  type CpuTune,
  type MemoryBacking,
  type MemoryTune,
  type NumaTune,
} from './domain-tune.ts';
import type { XmlElement } from './element.ts';
import {
  bytesOf,
  flagAttribute,
  frozen,
  integerAttribute,
  integerOf,
  refuseValue,
  textOf,
} from './value.ts';

/** What Berth reads of a `<domain>`. What is absent is undefined; unknown words are kept. */
export interface DomainXml {
  /** kvm or qemu; of a running domain with its `id`. */
  readonly type: string | undefined;
  readonly id: number | undefined;
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Changed by libvirt when the guest is copied or set back; `<genid/>` asks for one. */
  readonly genid: string | undefined;
  /** What applications keep in `<metadata>`: one element for each namespace. */
  readonly metadata: readonly { readonly namespace: string; readonly name: string }[];
  /** What the guest has at most without memory hot-plug. */
  readonly memoryBytes: number | undefined;
  /** What the balloon leaves the guest. */
  readonly currentMemoryBytes: number | undefined;
  /** The limit of memory hot-plug. */
  readonly maxMemory: { readonly bytes: number; readonly slots: number | undefined } | undefined;
  readonly vcpu: VcpuCount | undefined;
  readonly vcpus: readonly VcpuState[];
  /** How many I/O threads there are, and their numbers where they are named. */
  readonly iothreads: number | undefined;
  readonly iothreadIds: readonly number[];
  /** The cgroup below which libvirt puts the domain's own. */
  readonly partition: string | undefined;
  readonly cpuTune: CpuTune | undefined;
  readonly memoryTune: MemoryTune | undefined;
  readonly numaTune: NumaTune | undefined;
  readonly memoryBacking: MemoryBacking | undefined;
  readonly cpu: GuestCpu | undefined;
  readonly os: DomainOs | undefined;
  readonly features: DomainFeatures;
  readonly clock: DomainClock | undefined;
  readonly lifecycle: DomainLifecycle;
  readonly launchSecurity: LaunchSecurity | undefined;
  /** Labels by which AppArmor, SELinux and DAC confine it. */
  readonly securityLabels: readonly SecurityLabel[];
  /** Arguments and variables that go to QEMU as they are. */
  readonly qemuCommandLine: QemuCommandLine | undefined;
  readonly devices: DomainDevices;
}

/** `<os>`: what the guest boots. */
export interface DomainOs {
  /** hvm for every QEMU guest. */
  readonly type: string | undefined;
  readonly arch: string | undefined;
  readonly machine: string | undefined;
  /** efi or bios where libvirt chooses the firmware. */
  readonly firmware: string | undefined;
  readonly loader: string | undefined;
  readonly loaderSecure: boolean | undefined;
  readonly nvram: string | undefined;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly cmdline: string | undefined;
  /** Kinds of device in the order they are tried: hd, cdrom, network, fd. */
  readonly boot: readonly string[];
}

/**
 * Reads a `<domain>` as libvirt writes it or a person wrote it.
 * @throws BERTH_SPEC_INVALID with line and column for a root of another name, or where a number,
 * size or CPU list is none.
 */
export function readDomain(root: XmlElement): DomainXml {
  if (!['domain', 'inactiveDomain'].includes(root.name))
    refuseValue(root, `the root is <${root.name}>`, 'a <domain>');
  const max = root.child('maxMemory');
  const maxBytes = bytesOf(max);
  return frozen({
    type: root.attribute('type'),
    id: integerAttribute(root, 'id'),
    name: textOf(root.child('name')),
    uuid: textOf(root.child('uuid')),
    title: textOf(root.child('title')),
    description: textOf(root.child('description')),
    genid: textOf(root.child('genid')),
    metadata: (root.child('metadata')?.elements ?? []).flatMap(({ namespace, local }) =>
      namespace === undefined ? [] : [{ namespace, name: local }],
    ),
    memoryBytes: bytesOf(root.child('memory')),
    currentMemoryBytes: bytesOf(root.child('currentMemory')),
    maxMemory:
      maxBytes === undefined
        ? undefined
        : { bytes: maxBytes, slots: integerAttribute(max, 'slots') },
    vcpu: readVcpuCount(root),
    vcpus: readVcpuStates(root),
    iothreads: integerOf(root.child('iothreads')),
    iothreadIds: root
      .findAll('iothreadids/iothread')
      .flatMap((thread) => integerAttribute(thread, 'id') ?? []),
    partition: textOf(root.find('resource/partition')),
    cpuTune: readCpuTune(root),
    memoryTune: readMemoryTune(root),
    numaTune: readNumaTune(root),
    memoryBacking: readMemoryBacking(root),
    cpu: readGuestCpu(root),
    os: readOs(root.child('os')),
    features: readFeatures(root.child('features')),
    clock: readClock(root.child('clock')),
    lifecycle: readLifecycle(root),
    launchSecurity: readLaunchSecurity(root.child('launchSecurity')),
    securityLabels: root.childrenNamed('seclabel').map(readSecurityLabel),
    qemuCommandLine: readQemuCommandLine(root),
    devices: readDevices(root),
  });
}

/**
 * The element that an application keeps in a domain's `<metadata>` under its namespace; libvirt
 * allows one for each namespace.
 */
export function domainMetadata(root: XmlElement, namespace: string): XmlElement | undefined {
  return root.child('metadata')?.childIn(namespace);
}

function readOs(os: XmlElement | undefined): DomainOs | undefined {
  if (os === undefined) return undefined;
  const type = os.child('type');
  const loader = os.child('loader');
  return {
    type: textOf(type),
    arch: type?.attribute('arch'),
    machine: type?.attribute('machine'),
    firmware: os.attribute('firmware'),
    loader: textOf(loader),
    loaderSecure: flagAttribute(loader, 'secure'),
    nvram: textOf(os.child('nvram')),
    kernel: textOf(os.child('kernel')),
    initrd: textOf(os.child('initrd')),
    cmdline: textOf(os.child('cmdline')),
    boot: os.childrenNamed('boot').flatMap((boot) => boot.attribute('dev') ?? []),
  };
}
