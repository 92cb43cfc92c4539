import type { XmlElement } from './element.ts';
import {
  flagAttribute,
  frozen,
  integerAttribute,
  integerOf,
  refuseValue,
  textOf,
} from './value.ts';

/** What Berth reads of `<domainCapabilities>` (virConnectGetDomainCapabilities). */
export interface DomainCapabilitiesXml {
  /** The emulator's path on the host. */
  readonly path: string | undefined;
  /** kvm or qemu. */
  readonly domainType: string | undefined;
  readonly machine: string | undefined;
  readonly arch: string | undefined;
  readonly vcpusMax: number | undefined;
  /** Firmware images, and the kinds (efi, bios) that libvirt can choose one for. */
  readonly loaders: readonly string[];
  readonly firmwares: readonly string[];
  readonly cpuModes: readonly CpuMode[];
  readonly iothreads: boolean | undefined;
  /** What memory can be backed by: file, anonymous, memfd. */
  readonly memorySources: readonly string[];
  /** Devices: disk, graphics, video, hostdev, rng, tpm ... and the words that libvirt takes for them. */
  readonly devices: readonly Ability[];
  /** Features: gic, sev, sgx, hyperv, backup, genid ... and the words that libvirt takes for them. */
  readonly features: readonly Ability[];
  /** What memory encryption (SEV) needs and has; undefined where there is none. */
  readonly sev: SevAbility | undefined;
}

/** Something that a domain may have, and the values it may have there. */
export interface Ability {
  readonly name: string;
  readonly supported: boolean;
  /** By the name of what is chosen: `{ bus: ['virtio', 'scsi'], model: [...] }`. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
}

/** What the host has of AMD SEV, memory of guests that it cannot read. */
export interface SevAbility {
  readonly cbitpos: number | undefined;
  readonly reducedPhysBits: number | undefined;
  /** How many guests there can be; those with encrypted state apart. */
  readonly maxGuests: number | undefined;
  readonly maxEsGuests: number | undefined;
}

/** A value of `<cpu mode>` and whether this host has it. */
export interface CpuMode {
  readonly name: string;
  readonly supported: boolean;
  /** Of host-model the one that it comes to here. */
  readonly models: readonly CpuModel[];
  readonly vendor: string | undefined;
  /** What host-model adds to and takes from its model. */
  readonly features: readonly { readonly name: string; readonly policy: string | undefined }[];
}

/** A CPU model that a guest could have, and whether it could here. */
export interface CpuModel {
  readonly name: string;
  /** Undefined when libvirt cannot tell. */
  readonly usable: boolean | undefined;
  readonly vendor: string | undefined;
  readonly deprecated: boolean | undefined;
}

/**
 * Reads `<domainCapabilities>`.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readDomainCapabilities(root: XmlElement): DomainCapabilitiesXml {
  if (root.name !== 'domainCapabilities') {
    refuseValue(root, `the root is <${root.name}>`, 'a <domainCapabilities>');
  }
  return frozen({
    path: textOf(root.child('path')),
    domainType: textOf(root.child('domain')),
    machine: textOf(root.child('machine')),
    arch: textOf(root.child('arch')),
    vcpusMax: integerAttribute(root.child('vcpu'), 'max'),
    loaders: root.findAll('os/loader/value').flatMap((value) => textOf(value) ?? []),
    firmwares: root
      .findAll('os/enum')
      .filter((words) => words.attribute('name') === 'firmware')
      .flatMap((words) => words.childrenNamed('value'))
      .flatMap((value) => textOf(value) ?? []),
    cpuModes: root.findAll('cpu/mode').map(readMode),
    iothreads: flagAttribute(root.child('iothreads'), 'supported'),
    memorySources: choicesOf(root.child('memoryBacking'))['sourceType'] ?? [],
    devices: root.child('devices')?.elements.map(readAbility) ?? [],
    features: root.child('features')?.elements.map(readAbility) ?? [],
    sev: readSev(root.find('features/sev')),
  });
}

function readMode(mode: XmlElement): CpuMode {
  return {
    name: mode.attribute('name') ?? '',
    supported: flagAttribute(mode, 'supported') ?? false,
    models: mode.childrenNamed('model').map((model) => ({
      name: model.text,
      usable: flagAttribute(model, 'usable'),
      vendor: model.attribute('vendor'),
      deprecated: flagAttribute(model, 'deprecated'),
    })),
    vendor: textOf(mode.child('vendor')),
    features: mode.childrenNamed('feature').map((feature) => ({
      name: feature.attribute('name') ?? '',
      policy: feature.attribute('policy'),
    })),
  };
}

function readAbility(ability: XmlElement): Ability {
  return {
    name: ability.name,
    supported: flagAttribute(ability, 'supported') ?? false,
    choices: choicesOf(ability),
  };
}

function choicesOf(ability: XmlElement | undefined): Readonly<Record<string, readonly string[]>> {
  const enums = ability?.childrenNamed('enum') ?? [];
  return Object.fromEntries(
    enums.map((one) => [
      one.attribute('name') ?? '',
      one.childrenNamed('value').flatMap((value) => textOf(value) ?? []),
    ]),
  );
}

function readSev(sev: XmlElement | undefined): SevAbility | undefined {
  if (flagAttribute(sev, 'supported') !== true) return undefined;
  return {
    cbitpos: integerOf(sev?.child('cbitpos')),
    reducedPhysBits: integerOf(sev?.child('reducedPhysBits')),
    maxGuests: integerOf(sev?.child('maxGuests')),
    maxEsGuests: integerOf(sev?.child('maxESGuests')),
  };
}
