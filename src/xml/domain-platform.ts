import type { XmlElement } from './element.ts';
import {
  flagAttribute,
  integerAttribute,
  integerOf,
  signedIntegerAttribute,
  textOf,
} from './value.ts';

/** `<features>`: what the machine has beyond its processor. */
export interface DomainFeatures {
  /** Those that are on: acpi, apic, pae, smm, vmcoreinfo ... */
  readonly on: readonly string[];
  /** Those that are switched off by name. */
  readonly off: readonly string[];
  /** The version of ARM's interrupt controller: 2, 3 or host. */
  readonly gicVersion: string | undefined;
  /** qemu or kvm: who emulates the I/O APIC. */
  readonly ioapicDriver: string | undefined;
  /** passthrough or custom; undefined without Hyper-V's enlightenments. */
  readonly hypervMode: string | undefined;
  readonly hyperv: readonly FeatureSwitch[];
  /** KVM's own, such as `hidden` and `poll-control`. */
  readonly kvm: readonly FeatureSwitch[];
}

/** A feature with a state of its own. */
export interface FeatureSwitch {
  readonly name: string;
  readonly on: boolean | undefined;
  /** What comes with it: the retries of spinlocks, the value of vendor_id. */
  readonly value: string | undefined;
}

/** `<clock>`: what the guest takes for the time. */
export interface DomainClock {
  /** utc, localtime, timezone, variable or absolute. */
  readonly offset: string | undefined;
  readonly timezone: string | undefined;
  /** Seconds from UTC or local time, for a variable offset. */
  readonly adjustmentS: number | undefined;
  readonly timers: readonly ClockTimer[];
}

/** A `<timer>` of the clock that the guest sees. */
export interface ClockTimer {
  /** rtc, pit, hpet, tsc, kvmclock, hypervclock, armvtimer ... */
  readonly name: string;
  readonly present: boolean | undefined;
  /** delay, catchup, merge or discard. */
  readonly tickPolicy: string | undefined;
  readonly frequencyHz: number | undefined;
  readonly mode: string | undefined;
}

/** What is done when the guest ends, and whether it may sleep. */
export interface DomainLifecycle {
  /** destroy, restart, preserve or rename-restart. */
  readonly onPoweroff: string | undefined;
  readonly onReboot: string | undefined;
  readonly onCrash: string | undefined;
  /** poweroff, restart, pause or ignore. */
  readonly onLockFailure: string | undefined;
  readonly suspendToMemory: boolean | undefined;
  readonly suspendToDisk: boolean | undefined;
}

/** `<launchSecurity>`: memory that the host cannot read. */
export interface LaunchSecurity {
  /** sev, sev-snp, tdx or s390-pv. */
  readonly type: string | undefined;
  /** As it is written, such as `0x0003`. */
  readonly policy: string | undefined;
  readonly cbitpos: number | undefined;
  readonly reducedPhysBits: number | undefined;
}

/** A `<seclabel>`. */
export interface SecurityLabel {
  /** dynamic, static or none. */
  readonly type: string | undefined;
  /** selinux, apparmor or dac. */
  readonly model: string | undefined;
  readonly relabel: boolean | undefined;
  readonly label: string | undefined;
  readonly imageLabel: string | undefined;
}

/** `<qemu:commandline>`: arguments and environment added to QEMU's own, which libvirt does not look into. */
export interface QemuCommandLine {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string | undefined }[];
}

/** The namespace of libvirt's elements for QEMU alone. */
export const QEMU_NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0';

/** Reads `<features>`; a feature without a state is on. */
export function readFeatures(features: XmlElement | undefined): DomainFeatures {
  const plain = (features?.elements ?? []).filter(({ name }) => !GROUPS.includes(name));
  const isOff = (feature: XmlElement): boolean => flagAttribute(feature, 'state') === false;
  const hyperv = features?.child('hyperv');
  return {
    on: plain.filter((feature) => !isOff(feature)).map(({ name }) => name),
    off: plain.filter(isOff).map(({ name }) => name),
    gicVersion: features?.child('gic')?.attribute('version'),
    ioapicDriver: features?.child('ioapic')?.attribute('driver'),
    hypervMode: hyperv === undefined ? undefined : (hyperv.attribute('mode') ?? 'custom'),
    hyperv: readSwitches(hyperv),
    kvm: readSwitches(features?.child('kvm')),
  };
}

const GROUPS: readonly string[] = ['hyperv', 'kvm', 'xen'];

/** Reads `<clock>`. */
export function readClock(clock: XmlElement | undefined): DomainClock | undefined {
  if (clock === undefined) return undefined;
  const adjustment = clock.attribute('adjustment');
  const isNumber = adjustment !== undefined && adjustment !== 'reset';
  return {
    offset: clock.attribute('offset'),
    timezone: clock.attribute('timezone'),
    adjustmentS: isNumber ? signedIntegerAttribute(clock, 'adjustment') : undefined,
    timers: clock.childrenNamed('timer').map((timer) => ({
      name: timer.attribute('name') ?? '',
      present: flagAttribute(timer, 'present'),
      tickPolicy: timer.attribute('tickpolicy'),
      frequencyHz: integerAttribute(timer, 'frequency'),
      mode: timer.attribute('mode'),
    })),
  };
}

/** Reads what a domain does at its end. */
export function readLifecycle(domain: XmlElement): DomainLifecycle {
  const pm = domain.child('pm');
  return {
    onPoweroff: textOf(domain.child('on_poweroff')),
    onReboot: textOf(domain.child('on_reboot')),
    onCrash: textOf(domain.child('on_crash')),
    onLockFailure: textOf(domain.child('on_lockfailure')),
    suspendToMemory: flagAttribute(pm?.child('suspend-to-mem'), 'enabled'),
    suspendToDisk: flagAttribute(pm?.child('suspend-to-disk'), 'enabled'),
  };
}

/** Reads `<launchSecurity>`. */
export function readLaunchSecurity(security: XmlElement | undefined): LaunchSecurity | undefined {
  if (security === undefined) return undefined;
  return {
    type: security.attribute('type'),
    policy: textOf(security.child('policy')),
    cbitpos: integerOf(security.child('cbitpos')),
    reducedPhysBits: integerOf(security.child('reducedPhysBits')),
  };
}

/** Reads a `<seclabel>`. */
export function readSecurityLabel(seclabel: XmlElement): SecurityLabel {
  return {
    type: seclabel.attribute('type'),
    model: seclabel.attribute('model'),
    relabel: flagAttribute(seclabel, 'relabel'),
    label: textOf(seclabel.child('label')),
    imageLabel: textOf(seclabel.child('imagelabel')),
  };
}

/** Reads `<qemu:commandline>`, whatever its prefix. */
export function readQemuCommandLine(domain: XmlElement): QemuCommandLine | undefined {
  const line = domain.childIn(QEMU_NAMESPACE, 'commandline');
  if (line === undefined) return undefined;
  const all = (local: string): readonly XmlElement[] =>
    line.elements.filter((one) => one.namespace === QEMU_NAMESPACE && one.local === local);
  return {
    args: all('arg').flatMap((arg) => arg.attribute('value') ?? []),
    env: all('env').flatMap((env) => {
      const name = env.attribute('name');
      return name === undefined ? [] : [{ name, value: env.attribute('value') }];
    }),
  };
}

function readSwitches(group: XmlElement | undefined): readonly FeatureSwitch[] {
  return (group?.elements ?? []).map((feature) => ({
    name: feature.name,
    on: flagAttribute(feature, 'state'),
    value: feature.attribute('retries') ?? feature.attribute('value'),
  }));
}
