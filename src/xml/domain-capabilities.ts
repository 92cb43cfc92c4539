import type { XmlElement } from './element.ts';
import { flagAttribute, frozen, integerAttribute, refuseValue, textOf } from './value.ts';

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
}

/** A value of `<cpu mode>` and whether this host has it. */
export interface CpuMode {
  readonly name: string;
  readonly supported: boolean;
  readonly models: readonly CpuModel[];
}

export interface CpuModel {
  readonly name: string;
  /** Undefined when libvirt cannot tell. */
  readonly usable: boolean | undefined;
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
  });
}

function readMode(mode: XmlElement): CpuMode {
  return {
    name: mode.attribute('name') ?? '',
    supported: flagAttribute(mode, 'supported') ?? false,
    models: mode.childrenNamed('model').map((model) => ({
      name: model.text,
      usable: flagAttribute(model, 'usable'),
    })),
  };
}
