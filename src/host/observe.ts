import { KIB, toSafeNumber } from '../base/units.ts';
import { PCI_FILES, TOPOLOGY_FILES } from '../facts/fact-files.ts';
import { readHostTopology } from '../facts/host-topology.ts';
import type { TopologyReading } from '../facts/host-topology.ts';
import {
  connectGetCapabilities,
  connectListAllNodeDevices,
  NodeDeviceListFlag,
  ErrorCode,
  nodeDeviceGetXmlDesc,
  nodeGetCellsFreeMemory,
  nodeGetFreePages,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { HostTopology } from '../model/topology.ts';
import { parseXml, readCapabilities } from '../xml/index.ts';
import { readFiles } from './file-view.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';

/** What changes only with the machine or its daemon; read once a connection. */
export interface HostFixture {
  readonly capabilitiesXml: string;
  readonly nodeDevices: readonly string[];
  /** Cells and page sizes in libvirt's order, for asking what is free. */
  readonly cellIds: readonly number[];
  readonly pageSizesKiB: readonly number[];
  /** libvirt's UUID of the host; absent before libvirt 0.8 and where there is none. */
  readonly hostUuid?: string;
  /** Kinds of guest the host can run, kvm first. */
  readonly domainTypes: readonly string[];
}

/** The most cells asked for at once; libvirt's own limit is 1024. */
const CELLS_ASKED_MAX = 1024;

/** Reads what stays the same: capabilities and PCI functions. */
export async function readFixture(link: HostLink, wait: Wait): Promise<HostFixture> {
  const { capabilities } = await link.call(connectGetCapabilities, {}, wait);
  const { root } = parseXml(capabilities, `capabilities of ${link.name}`);
  const { cells, guests, arch, hostUuid } = readCapabilities(root);
  const own = guests.filter((guest) => guest.arch === arch);
  const types = new Set(own.flatMap((guest) => guest.domainTypes));
  return {
    capabilitiesXml: capabilities,
    ...(hostUuid === undefined ? {} : { hostUuid }),
    nodeDevices: await readPciDevices(link, wait),
    cellIds: cells.map((cell) => cell.id),
    pageSizesKiB: [
      ...new Set(cells.flatMap((cell) => cell.pages.map((page) => page.sizeBytes / KIB))),
    ],
    domainTypes: ['kvm', 'qemu'].filter((type) => types.has(type)),
  };
}

/**
 * Looks at a host: its topology with what is free now, and what could not be told of it. Without its
 * files libvirt speaks alone.
 * @throws BERTH_FACTS_INVALID when the host contradicts itself.
 */
export async function observe(
  link: HostLink,
  fixture: HostFixture,
  wait: Wait,
): Promise<TopologyReading> {
  const files = await readFiles(link.files, [...TOPOLOGY_FILES, ...PCI_FILES]);
  const { capabilitiesXml, nodeDevices } = fixture;
  const freeMemory = await readFreeMemory(link, fixture, wait);
  const freePages = await readFreePages(link, fixture, wait);
  const facts = { capabilitiesXml, files, freeMemory, freePages, nodeDevices };
  return readHostTopology(facts);
}

/** As `observe`, without what is unknown. */
export async function observeTopology(
  link: HostLink,
  fixture: HostFixture,
  wait: Wait,
): Promise<HostTopology> {
  return (await observe(link, fixture, wait)).topology;
}

/**
 * Free memory of each cell. libvirt answers for cells 0 to the highest; ids without a cell are left
 * out (libvirt 9.0, virhostmem.c).
 */
export async function readFreeMemory(
  link: HostLink,
  { cellIds }: Pick<HostFixture, 'cellIds'>,
  wait: Wait,
): Promise<readonly { cell: number; bytes: number }[]> {
  const args = { startCell: 0, maxcells: CELLS_ASKED_MAX };
  const { cells } = await link.call(nodeGetCellsFreeMemory, args, wait);
  return cellIds.flatMap((cell) => {
    const bytes = cells[cell];
    return bytes === undefined ? [] : [{ cell, bytes: toSafeNumber(bytes, 'free memory') }];
  });
}

/** Free pages of each pool: one call for all cells and sizes; where numbers have gaps, one a cell. */
export async function readFreePages(
  link: HostLink,
  { cellIds, pageSizesKiB }: Pick<HostFixture, 'cellIds' | 'pageSizesKiB'>,
  wait: Wait,
): Promise<readonly { cell: number; sizeKiB: number; free: number }[]> {
  if (pageSizesKiB.length === 0) return [];
  const dense = cellIds.every((id, index) => id === index);
  const ranges = dense ? [{ startCell: 0, cellCount: cellIds.length }] : cellIds.map(oneCell);
  const answers = await Promise.all(
    ranges.map(async ({ startCell, cellCount }) => {
      const args = { pages: pageSizesKiB, startCell, cellCount, flags: 0 };
      const { counts } = await link.call(nodeGetFreePages, args, wait);
      return counts.map((count, index) => ({
        cell: startCell + Math.floor(index / pageSizesKiB.length),
        sizeKiB: pageSizesKiB[index % pageSizesKiB.length] ?? 0,
        free: toSafeNumber(count, 'free pages'),
      }));
    }),
  );
  return answers.flat();
}

function oneCell(startCell: number): { startCell: number; cellCount: number } {
  return { startCell, cellCount: 1 };
}

/**
 * PCI functions as libvirt's node device driver tells them; a host without that driver (no udev in
 * a container) tells nothing, and sysfs speaks alone.
 */
async function readPciDevices(link: HostLink, wait: Wait): Promise<readonly string[]> {
  try {
    const flags = NodeDeviceListFlag.pciDev;
    const { devices } = await link.call(connectListAllNodeDevices, { flags }, wait);
    const documents = devices.map(async ({ name }) => readPciDevice(link, name, wait));
    return (await Promise.all(documents)).filter((xml) => xml !== undefined);
  } catch (error) {
    if (libvirtCodeOf(error) === ErrorCode.noSupport) return [];
    throw error;
  }
}

/** Undefined for a device that was unplugged since it was listed, as virtual functions are. */
async function readPciDevice(
  link: HostLink,
  name: string,
  wait: Wait,
): Promise<string | undefined> {
  try {
    return (await link.call(nodeDeviceGetXmlDesc, { name, flags: 0 }, wait)).xml;
  } catch (error) {
    if (libvirtCodeOf(error) === ErrorCode.noNodeDevice) return undefined;
    throw error;
  }
}
