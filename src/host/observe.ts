import { KIB, toSafeNumber } from '../base/units.ts';
import { PCI_FILES, TOPOLOGY_FILES, withoutFree } from '../facts/fact-files.ts';
import type { FactFiles } from '../facts/fact-files.ts';
import { readHostTopology } from '../facts/host-topology.ts';
import type { TopologyReading } from '../facts/host-topology.ts';
import type { NodeCounts } from '../facts/one-cell.ts';
import {
  connectGetCapabilities,
  connectListAllNodeDevices,
  NodeDeviceListFlag,
  ErrorCode,
  nodeDeviceGetXmlDesc,
  nodeGetInfo,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { HostTopology } from '../model/topology.ts';
import { parseXml, readCapabilities } from '../xml/index.ts';
import { readFiles } from './file-view.ts';
import { readFreeMemory, readFreePages } from './free-memory.ts';
import { libvirtCodeOf, unlessRefused } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import { hasRemoteFiles, readRemoteFiles } from './remote-files.ts';

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
  /** Of a host whose capabilities tell of no cell. */
  readonly nodeCounts?: NodeCounts;
  /** Files of a host behind SSH, but for what is free, which would be old at the next look. */
  readonly files?: FactFiles;
  /** Why the files of a host behind SSH could not be had. */
  readonly unread?: string;
}

const FILES = [...TOPOLOGY_FILES, ...PCI_FILES];

/**
 * Reads what stays the same: capabilities, PCI functions, and what costs a login to be read, the
 * files of a host behind SSH.
 */
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
    cellIds: cells.length === 0 ? [0] : cells.map((cell) => cell.id),
    pageSizesKiB: [
      ...new Set(cells.flatMap((cell) => cell.pages.map((page) => page.sizeBytes / KIB))),
    ],
    domainTypes: ['kvm', 'qemu'].filter((type) => types.has(type)),
    ...(cells.length === 0 ? await readCounts(link, wait) : {}),
    ...(hasRemoteFiles(link.uri) ? await readSettledFiles(link, wait) : {}),
  };
}

async function readSettledFiles(
  link: HostLink,
  wait: Wait,
): Promise<Pick<HostFixture, 'files' | 'unread'>> {
  const reading = await readRemoteFiles(link.uri, FILES, wait);
  return 'files' in reading ? { files: withoutFree(reading.files) } : reading;
}

async function readCounts(link: HostLink, wait: Wait): Promise<Pick<HostFixture, 'nodeCounts'>> {
  const info = await unlessRefused(link.call(nodeGetInfo, {}, wait));
  if (info === undefined) return {};
  const memoryBytes = toSafeNumber(info.memory, 'memory of the host') * KIB;
  return { nodeCounts: { cpus: info.cpus, memoryBytes } };
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
  const files = fixture.files ?? (await readFiles(link.files, FILES));
  const { capabilitiesXml, nodeDevices, nodeCounts, unread } = fixture;
  const freeMemory = await readFreeMemory(link, fixture, wait);
  const freePages = await readFreePages(link, fixture, wait);
  const { topology, unknown } = readHostTopology({
    capabilitiesXml,
    files,
    freeMemory,
    freePages,
    nodeDevices,
    ...(nodeCounts === undefined ? {} : { nodeCounts }),
  });
  const missing = unread === undefined ? [] : [`the files of the host: ${unread}`];
  return { topology, unknown: [...missing, ...unknown] };
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
