import { berthError } from '../base/errors.ts';
import { KIB } from '../base/units.ts';
import { MACHINE_CELLS_MAX, MACHINE_CPUS_MAX } from '../model/machine-description.ts';
import { parseXml, type XmlElement } from '../xml/index.ts';
import { soundReading, topologyOf, type TopologyReading } from './host-topology.ts';
import type { PlacedFunction } from './pci-functions.ts';
import type { L3Group, RawCell, RawCpu, RawTopology } from './raw-topology.ts';

/**
 * Reads a machine from what `lstopo FILE.xml` (hwloc 2.0 or later) exports. Memory that no huge page
 * holds counts as free. hwloc leaves cells of GPU memory out, and most bridges.
 * @param what names the document in errors.
 * @throws BERTH_XML_INVALID for what is no XML; BERTH_FACTS_INVALID for what is no such export, or
 * contradicts itself.
 */
export function readHwlocXml(text: string, what: string): TopologyReading {
  const { root } = parseXml(text, what);
  const export_ = new HwlocExport(root, what);
  const { topology, unknown } = topologyOf(export_.topology(), {
    arch: export_.arch,
    pci: export_.pci(),
    facts: {},
  });
  const assumed = ['what of the memory is free'];
  return soundReading({ topology, unknown: [...unknown, ...assumed] }, what);
}

/** A cell's distance to itself (ACPI, SLIT). */
const LOCAL_DISTANCE = 10;

const WORD_BITS = 32;
const SET_WORDS_MAX = MACHINE_CPUS_MAX / WORD_BITS;

/** What CPUID calls the makers of x86 processors; an export made of CPUID alone has no architecture. */
const X86_VENDORS = new Set(['GenuineIntel', 'AuthenticAMD', 'HygonGenuine', 'CentaurHauls']);

class HwlocExport {
  readonly #root: XmlElement;
  readonly #what: string;
  readonly #machine: XmlElement;
  readonly #objects: readonly XmlElement[];

  constructor(root: XmlElement, what: string) {
    this.#root = root;
    this.#what = what;
    const machine = root.child('object');
    const isMachine = root.name === 'topology' && machine?.attribute('type') === 'Machine';
    // Before version 2 the root had no version, and cells were not of memory.
    if (!isMachine || root.attribute('version') === undefined) {
      throw this.#invalid('it is no export of hwloc 2.0 or later');
    }
    this.#machine = machine;
    this.#objects = descendants(machine);
  }

  /** In libvirt's word, which is the kernel's; undefined where the export tells none. */
  get arch(): string | undefined {
    const told = (name: string): string | undefined =>
      [this.#root, ...this.#objects]
        .flatMap((element) => element.childrenNamed('info'))
        .find((info) => info.attribute('name') === name)
        ?.attribute('value');
    return (
      told('Architecture') ?? (X86_VENDORS.has(told('CPUVendor') ?? '') ? 'x86_64' : undefined)
    );
  }

  topology(): RawTopology {
    this.#checkCount('PU', MACHINE_CPUS_MAX);
    this.#checkCount('NUMANode', MACHINE_CELLS_MAX);
    const online = new Set(this.#cpusOf(this.#machine, 'cpuset'));
    const cpus = this.#ofType('PU')
      .map((pu) => ({ id: this.#osIndex(pu), pu }))
      .filter(({ id }) => online.has(id));
    const all = this.#cpusOf(this.#machine, 'complete_cpuset');
    return {
      cells: this.#cells(cpus.map(({ id }) => id)),
      cpus: new Map(cpus.map(({ id, pu }) => [id, this.#cpu(pu)])),
      offline: all.filter((id) => !online.has(id)),
      l3: this.#l3Groups(),
    };
  }

  /** Every cell is compared with every CPU, and with every other cell. */
  #checkCount(type: string, max: number): void {
    const count = this.#ofType(type).length;
    if (count > max) throw this.#invalid(`it has ${count} objects ${type}, which is over ${max}`);
  }

  pci(): readonly PlacedFunction[] {
    const cells = this.#ofType('NUMANode').map((node) => this.#osIndex(node));
    const functions = this.#ofType('PCIDev').flatMap((device): readonly PlacedFunction[] => {
      const address = device.attribute('pci_busid');
      const type = /^([\da-f]{4}) \[([\da-f]{4}):([\da-f]{4})\]/.exec(
        device.attribute('pci_type') ?? '',
      );
      if (address === undefined || type === null) return [];
      const [, kind, vendor, product] = type;
      const near = this.#nodesNear(device).filter((id) => cells.includes(id));
      // hwloc leaves out the last two digits of a class, the programming interface.
      const pci = { address, class: `0x${kind}00`, vendor: `0x${vendor}`, device: `0x${product}` };
      return [{ cell: near.length === 1 ? near[0] : undefined, pci }];
    });
    return functions.toSorted((a, b) => (a.pci.address < b.pci.address ? -1 : 1));
  }

  #cpu(pu: XmlElement): RawCpu {
    const core = above(pu, 'Core');
    const siblings = core && descendants(core).filter((one) => one.attribute('type') === 'PU');
    return {
      socket: this.#number(above(pu, 'Package')),
      die: this.#number(above(pu, 'Die')),
      core: this.#number(core),
      siblings: siblings?.map((one) => this.#osIndex(one)),
    };
  }

  /** Undefined where the kernel told none. */
  #number(object: XmlElement | undefined): number | undefined {
    return object && this.#integer(object, 'os_index');
  }

  /** Undefined for an export without any cache, as of a machine that tells none. */
  #l3Groups(): readonly L3Group[] | undefined {
    const isCached = this.#objects.some((one) => /^L\di?Cache$/.test(one.attribute('type') ?? ''));
    if (!isCached) return undefined;
    return this.#ofType('L3Cache').map((cache) => ({
      id: this.#number(cache),
      cpus: this.#cpusOf(cache, 'cpuset'),
    }));
  }

  /**
   * Cells of memory alone have in hwloc the CPUs that they are near to. A CPU belongs to the cell
   * with the fewest CPUs around it, to the first of those that are alike.
   */
  #cells(online: readonly number[]): readonly RawCell[] {
    const nodes = this.#ofType('NUMANode')
      .map((node) => ({ id: this.#osIndex(node), node, near: this.#cpusOf(node, 'cpuset') }))
      .toSorted((a, b) => a.id - b.id);
    const closest = nodes.toSorted((a, b) => a.near.length - b.near.length || a.id - b.id);
    const owner = new Map<number, number>();
    for (const { id, near } of closest.toReversed()) for (const cpu of near) owner.set(cpu, id);
    const distances = this.#distances();
    return nodes.map(({ id, node }): RawCell => {
      const pages = this.#pages(node);
      const memoryBytes = this.#integer(node, 'local_memory');
      const [base, ...huge] = pages.map((page) => page.sizeKiB);
      const pooledKiB = pages
        .filter(({ sizeKiB }) => huge.includes(sizeKiB))
        .reduce((sum, { sizeKiB, total }) => sum + sizeKiB * total, 0);
      return {
        id,
        memoryBytes,
        freeBytes: Math.max(0, (memoryBytes ?? 0) - pooledKiB * KIB),
        pages,
        basePageKiB: base,
        distances: distances.get(id) ?? new Map(nodes.length === 1 ? [[id, LOCAL_DISTANCE]] : []),
        cpus: online.filter((cpu) => owner.get(cpu) === id).toSorted((a, b) => a - b),
      };
    });
  }

  #pages(node: XmlElement): RawCell['pages'] {
    return node
      .childrenNamed('page_type')
      .map((page) => {
        const total = this.#integer(page, 'count') ?? 0;
        return { sizeKiB: (this.#integer(page, 'size') ?? 0) / KIB, total, free: total };
      })
      .toSorted((a, b) => a.sizeKiB - b.sizeKiB);
  }

  #distances(): ReadonlyMap<number, ReadonlyMap<number, number>> {
    const matrix = this.#root
      .childrenNamed('distances2')
      .find((one) => one.attribute('type') === 'NUMANode' && one.attribute('indexing') === 'os');
    const numbers = (name: string): readonly number[] =>
      (matrix?.childrenNamed(name) ?? []).flatMap((part) =>
        part.text.split(/\s+/).filter(Boolean).map(Number),
      );
    const ids = numbers('indexes');
    const values = numbers('u64values');
    if (ids.length > MACHINE_CELLS_MAX) throw this.#invalid('its distances are too many');
    if (values.length !== ids.length ** 2) throw this.#invalid('its distances are incomplete');
    return new Map(
      ids.map((from, row) => [
        from,
        new Map(ids.map((to, column) => [to, values[row * ids.length + column] ?? 0])),
      ]),
    );
  }

  /** The cells of the part of the machine that a device hangs on; all where it hangs on the whole. */
  #nodesNear(device: XmlElement): readonly number[] {
    for (let at = device.parent; at !== undefined; at = at.parent) {
      if (at.attribute('nodeset') !== undefined) return this.#cpusOf(at, 'nodeset');
    }
    return [];
  }

  #ofType(type: string): readonly XmlElement[] {
    return this.#objects.filter((object) => object.attribute('type') === type);
  }

  #osIndex(object: XmlElement): number {
    const index = this.#integer(object, 'os_index');
    if (index === undefined) throw this.#invalid(`a ${object.attribute('type')} has no os_index`);
    return index;
  }

  #integer(element: XmlElement, name: string): number | undefined {
    const text = element.attribute(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw this.#invalid(`${name} "${text}" is no number`);
    return value;
  }

  /** CPUs or cells, which are fewer. hwloc's form: words with 0x, the highest first; none is zero. */
  #cpusOf(object: XmlElement, name: string): readonly number[] {
    const words = (object.attribute(name) ?? '').split(',', SET_WORDS_MAX + 1).toReversed();
    if (words.length > SET_WORDS_MAX) {
      throw this.#invalid(`${name} has more than ${SET_WORDS_MAX} words`);
    }
    return words.flatMap((word, index) => {
      if (!/^(0x[\da-f]{1,8})?$/.test(word)) throw this.#invalid(`${name} has a word "${word}"`);
      return bitsOf(word).map((bit) => index * WORD_BITS + bit);
    });
  }

  #invalid(problem: string): Error {
    return berthError('BERTH_FACTS_INVALID', { fact: this.#what, problem });
  }
}

/** Its bits that are set, ascending. Most words of most sets have none. */
function bitsOf(word: string): readonly number[] {
  const bits: number[] = [];
  let rest = word === '' ? 0 : Number.parseInt(word, 16);
  for (let bit = 0; rest > 0; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) bits.push(bit);
  }
  return bits;
}

/** The object and all below it, in document order. */
function descendants(object: XmlElement): readonly XmlElement[] {
  return [object, ...object.childrenNamed('object').flatMap(descendants)];
}

function above(object: XmlElement, type: string): XmlElement | undefined {
  let at = object.parent;
  while (at !== undefined && at.attribute('type') !== type) at = at.parent;
  return at;
}
