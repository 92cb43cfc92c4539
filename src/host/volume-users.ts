import { atOnce } from '../base/at-once.ts';
import { isBerthError } from '../base/errors.ts';
import { DomainXmlFlag, ErrorCode, domainGetXmlDesc, domainOf } from '../libvirt/index.ts';
import type { StorageVol, Wait } from '../libvirt/index.ts';
import { readDomain } from '../xml/domain.ts';
import type { DomainDisk } from '../xml/domain-disk.ts';
import { parseXml } from '../xml/index.ts';
import type { DomainRecord } from './domain-record.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';

/** Domains whose XML is read at the same time. */
const READS_AT_ONCE = 4;

/** Whose the volumes of a host may be, as far as that is known without asking it. */
export interface VolumeOwners {
  /** Every domain of the host. */
  readonly domains: Iterable<DomainRecord>;
  /** Names of VMs that are being made there, and have no domain yet. */
  readonly coming: readonly string[];
}

/** Whether a volume is some VM's disk, and so nobody else's image. */
export type IsDisk = (vol: StorageVol) => boolean;

/**
 * Finds out which volumes are disks of VMs: those that Berth's VMs name as theirs, those that are
 * called as Berth calls disks of its VMs, and what any domain of the host writes to. What is only
 * read, such as a cdrom, may have many users.
 */
export async function disksInUse(
  link: HostLink,
  { domains, coming }: VolumeOwners,
  wait: Wait,
): Promise<IsDisk> {
  const records = [...domains];
  const own = records.filter(({ metadata, damage }) => (metadata ?? damage) !== undefined);
  const names = new Set([...own.map(({ name }) => name), ...coming]);
  const sources = new Set(own.flatMap(({ metadata }) => metadata?.volumes ?? []));
  await atOnce(READS_AT_ONCE, records, async ({ uuid }) => {
    for (const source of await writtenSources(link, uuid, wait)) sources.add(source);
  });
  return ({ pool, name, key }) =>
    sources.has(key) || sources.has(inPool(pool, name)) || names.has(vmNameIn(name));
}

/** The VM whose disk has such a name, as `volumeName` makes it; empty for any other name. */
function vmNameIn(volume: string): string {
  return /^(.*)\.[a-z][a-z0-9-]*\.qcow2$/.exec(volume)?.[1] ?? '';
}

function inPool(pool: string, volume: string): string {
  return `${pool}\n${volume}`;
}

/** What a domain writes to, now and from its next start on; nothing of one that is gone. */
async function writtenSources(
  link: HostLink,
  uuid: string,
  wait: Wait,
): Promise<readonly string[]> {
  try {
    const texts = [0, DomainXmlFlag.inactive].map(async (flags) =>
      link.call(domainGetXmlDesc, { dom: domainOf(uuid), flags }, wait),
    );
    return (await Promise.all(texts)).flatMap(({ xml }) => sourcesIn(xml));
  } catch (error) {
    if (libvirtCodeOf(error) === ErrorCode.noDomain) return [];
    throw error;
  }
}

/** Of a domain that cannot be understood, everything that could be a source counts as one. */
function sourcesIn(xml: string): readonly string[] {
  try {
    const { disks } = readDomain(parseXml(xml, 'a domain').root).devices;
    return disks.filter((disk) => !isOnlyRead(disk)).flatMap(sourceOf);
  } catch (error) {
    if (!isBerthError(error)) throw error;
    return [...xml.matchAll(/['"]([^'"]+)['"]/g)].map(([, word = '']) => word);
  }
}

function isOnlyRead({ device, readonly }: DomainDisk): boolean {
  return readonly || device === 'cdrom';
}

function sourceOf({ source }: DomainDisk): readonly string[] {
  const { path, pool, volume } = source ?? {};
  const byName = pool === undefined || volume === undefined ? [] : [inPool(pool, volume)];
  return path === undefined ? byName : [path, ...byName];
}
