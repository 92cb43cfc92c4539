import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { DomainXml } from '../xml/domain.ts';
import type { XmlElement } from '../xml/index.ts';
import { pageSizeKiB } from './domain-record.ts';
import { diskPart, nicPart, pciPart } from './owned-devices.ts';
import type { Owned } from './owned-devices.ts';

/**
 * One thing in a domain's definition that Berth decides on. Whatever is none of these parts is
 * somebody else's, and stays as it is when a definition is changed.
 */
export interface OwnedPart {
  /** In words, such as `memory`. */
  readonly what: string;
  /** What a definition says of it, as people read it; undefined where it says nothing. */
  readonly tell: (definition: DomainXml, owned: Owned) => string | undefined;
  /** Writes it into a definition as another one has it. */
  readonly write: (target: XmlElement, source: XmlElement, owned: Owned) => void;
  /** True for devices, of which a domain may have others that are not Berth's. */
  readonly isDevice?: true;
}

/** Every part, in the order in which people look at a VM. */
export const OWNED_PARTS: readonly OwnedPart[] = [
  {
    what: 'vCPUs',
    tell: ({ vcpu }) => {
      const { count = 1, current = count } = vcpu ?? {};
      return current === count ? `${count}` : `${current} of ${count}`;
    },
    write: (target, source) => {
      // Its entries tell of single vCPUs, and must be as many as there are.
      target.child('vcpus')?.remove();
      replace(target, source, 'vcpu');
    },
  },
  {
    what: 'pCPUs of the vCPUs',
    tell: ({ cpuTune }) => pinText(cpuTune?.vcpuPins),
    write: (target, source) => {
      replaceWithin(target, source, 'cputune', 'vcpupin');
      const cpuset = source.child('vcpu')?.attribute('cpuset');
      const vcpu = target.ensureChild('vcpu');
      if (cpuset === undefined) vcpu.removeAttribute('cpuset');
      else vcpu.setAttribute('cpuset', cpuset);
    },
  },
  {
    what: "pCPUs of QEMU's own threads",
    tell: ({ cpuTune }) => cpuTune?.emulatorCpus && formatIntSet(cpuTune.emulatorCpus),
    write: (target, source) => replaceWithin(target, source, 'cputune', 'emulatorpin'),
  },
  {
    what: 'I/O threads',
    tell: ({ iothreads }) => `${iothreads ?? 0}`,
    write: (target, source) => {
      target.child('iothreadids')?.remove();
      replace(target, source, 'iothreads');
    },
  },
  {
    what: 'pCPUs of the I/O threads',
    tell: ({ cpuTune }) => pinText(cpuTune?.iothreadPins),
    write: (target, source) => replaceWithin(target, source, 'cputune', 'iothreadpin'),
  },
  {
    what: 'memory',
    tell: ({ memoryBytes = 0 }) => formatSize(memoryBytes),
    write: (target, source) => replace(target, source, 'memory'),
  },
  {
    what: 'memory at the start',
    tell: ({ memoryBytes = 0, currentMemoryBytes = memoryBytes }) => formatSize(currentMemoryBytes),
    write: (target, source) => replace(target, source, 'currentMemory'),
  },
  {
    what: 'page size',
    tell: (definition) => formatSize(pageSizeKiB(definition) * 1024),
    write: (target, source) => replaceWithin(target, source, 'memoryBacking', 'hugepages'),
  },
  {
    what: 'host cells of the memory',
    tell: ({ numaTune }) => numaTune?.memory && bindingText(numaTune.memory),
    write: (target, source) => replaceWithin(target, source, 'numatune', 'memory'),
  },
  {
    what: 'host cell of each guest cell',
    tell: ({ numaTune }) =>
      textOf(numaTune?.cells?.map((cell) => `${cell.guestCell}: ${bindingText(cell)}`)),
    write: (target, source) => replaceWithin(target, source, 'numatune', 'memnode'),
  },
  {
    what: 'CPU model',
    tell: ({ cpu }) => (cpu?.mode === 'custom' ? cpu.model : cpu?.mode),
    write: (target, source) => {
      const [to, from] = [target.ensureChild('cpu'), source.child('cpu')];
      for (const name of ['mode', 'match', 'check', 'migratable']) {
        const value = from?.attribute(name);
        if (value === undefined) to.removeAttribute(name);
        else to.setAttribute(name, value);
      }
      replaceWithin(target, source, 'cpu', 'model');
    },
  },
  {
    what: 'CPU topology',
    tell: ({ cpu }) => {
      const { sockets, dies, cores, threads } = cpu?.topology ?? {};
      return sockets === undefined ? undefined : `${sockets}/${dies}/${cores}/${threads}`;
    },
    write: (target, source) => replaceWithin(target, source, 'cpu', 'topology'),
  },
  {
    what: 'guest cells',
    tell: ({ cpu }) =>
      textOf(
        cpu?.cells.map(
          ({ id, vcpus, memoryBytes = 0 }) =>
            `${id}: vCPUs ${formatIntSet(vcpus)}, ${formatSize(memoryBytes)}`,
        ),
      ),
    write: (target, source) => replaceWithin(target, source, 'cpu', 'numa'),
  },
  ...(['kernel', 'initrd', 'cmdline'] as const).map((name) => ({
    what: name,
    tell: ({ os }: DomainXml) => os?.[name],
    write: (target: XmlElement, source: XmlElement) => replaceWithin(target, source, 'os', name),
  })),
  {
    what: 'boot order',
    tell: ({ os }) => textOf(os?.boot),
    write: (target, source) => replaceWithin(target, source, 'os', 'boot'),
  },
  diskPart,
  nicPart,
  pciPart,
];

function pinText(
  pins: readonly { readonly id: number; readonly cpus: readonly number[] }[] = [],
): string | undefined {
  const sorted = pins.toSorted((a, b) => a.id - b.id);
  return textOf(sorted.map(({ id, cpus }) => `${id}: ${formatIntSet(cpus)}`));
}

function bindingText(binding: {
  readonly mode: string | undefined;
  readonly hostCells: readonly number[] | undefined;
}): string {
  return `${binding.mode ?? 'strict'} ${formatIntSet(binding.hostCells ?? [])}`;
}

function textOf(words: readonly string[] | undefined): string | undefined {
  return words === undefined || words.length === 0 ? undefined : words.join('; ');
}

/** Puts a child as the source has it; takes it away where the source has none. */
function replace(target: XmlElement, source: XmlElement, name: string): void {
  const [old, wanted] = [target.child(name), source.child(name)?.clone()];
  if (wanted === undefined) old?.remove();
  else if (old === undefined) target.append(wanted);
  else target.replace(old, wanted);
}

/** The same for all of a name inside a child, the rest of which is left alone. */
function replaceWithin(target: XmlElement, source: XmlElement, outer: string, inner: string): void {
  const wanted = source.child(outer)?.childrenNamed(inner) ?? [];
  const there = target.child(outer);
  if (wanted.length === 0 && there === undefined) return;
  const place = target.ensureChild(outer);
  for (const old of place.childrenNamed(inner)) old.remove();
  for (const one of wanted) place.append(one.clone());
  if (place.elements.length === 0 && place.attributes.length === 0) place.remove();
}
