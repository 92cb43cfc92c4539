import { berthError, isBerthError } from '../base/errors.ts';
import {
  connectGetAllDomainStats,
  connectListAllDomains,
  domainCreateWithFlags,
  domainDefineXmlFlags,
  domainDestroyFlags,
  domainGetState,
  domainGetXmlDesc,
  domainIsPersistent,
  domainOf,
  domainReboot,
  domainResume,
  domainShutdownFlags,
  DomainStats,
  DomainStatsFlag,
  domainSuspend,
  DomainUndefineFlag,
  domainUndefineFlags,
  ErrorCode,
  paramRecord,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { VmState } from '../model/host.ts';
import { readDefinition } from './definition.ts';
import { domainRecord, isActive, stateOf, unreadableRecord } from './domain-record.ts';
import type { DomainRecord } from './domain-record.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import type { SharedValues } from './shared-values.ts';

/** UUIDs of all domains of a host, in one call. */
export async function listDomainUuids(link: HostLink, wait: Wait): Promise<readonly string[]> {
  const { domains } = await link.call(connectListAllDomains, { flags: 0 }, wait);
  return domains.map((domain) => domain.uuid);
}

/**
 * All domains of a host by UUID and how each stands, in one call; the states are undefined where the
 * driver has no bulk statistics.
 */
export async function listDomainStates(
  link: HostLink,
  wait: Wait,
): Promise<ReadonlyMap<string, VmState | undefined>> {
  const ask = { doms: [], stats: DomainStats.state, flags: DomainStatsFlag.nowait };
  try {
    const { retStats } = await link.call(connectGetAllDomainStats, ask, wait);
    return new Map(retStats.map(({ dom, params }) => [dom.uuid, stateIn(params)]));
  } catch (error) {
    if (!NO_BULK.has(libvirtCodeOf(error))) throw error;
    return new Map((await listDomainUuids(link, wait)).map((uuid) => [uuid, undefined]));
  }
}

function stateIn(params: Parameters<typeof paramRecord>[0]): VmState | undefined {
  const number = paramRecord(params)['state.state'];
  return typeof number === 'number' ? stateOf(number) : undefined;
}

/** What a driver or a daemon answers that cannot tell of many domains at once. */
const NO_BULK: ReadonlySet<number | undefined> = new Set([
  ErrorCode.noSupport,
  ErrorCode.argumentUnsupported,
  ErrorCode.invalidArg,
]);

/** What whoever reads a domain may know already. */
export interface KnownOfDomain {
  /** Its state, where nothing can have changed that meanwhile without news of it. */
  readonly state?: VmState | undefined;
  readonly shared?: SharedValues;
}

/** One domain, read and understood; undefined when there is none of that UUID. */
export async function readDomainRecord(
  link: HostLink,
  uuid: string,
  wait: Wait,
  known: KnownOfDomain = {},
): Promise<DomainRecord | undefined> {
  return ifThere(async () => {
    const dom = domainOf(uuid);
    const state =
      known.state ?? stateOf((await link.call(domainGetState, { dom, flags: 0 }, wait)).state);
    const { xml } = await link.call(domainGetXmlDesc, { dom, flags: 0 }, wait);
    return recordOrRemainder(xml, state, uuid, known.shared);
  });
}

/** What cannot be understood of one domain must not hide the others, nor the domain itself. */
function recordOrRemainder(
  xml: string,
  state: VmState,
  uuid: string,
  shared?: SharedValues,
): DomainRecord {
  try {
    return domainRecord(xml, state, shared);
  } catch (error) {
    if (!isBerthError(error)) throw error;
    return unreadableRecord(uuid, state, error.message);
  }
}

/** Defines a domain, or redefines the one of the same UUID. */
export async function defineDomain(link: HostLink, xml: string, wait: Wait): Promise<void> {
  await link.call(domainDefineXmlFlags, { xml, flags: 0 }, wait);
}

/** True where a domain has a definition; one that has none is gone as soon as its guest ends. */
export async function isDefined(link: HostLink, uuid: string, wait: Wait): Promise<boolean> {
  return (await link.call(domainIsPersistent, { dom: domainOf(uuid) }, wait)).persistent;
}

/**
 * Gives a domain that runs without a definition the one that it runs by, so that it stays when its
 * guest ends. One that is not there is no error.
 */
export async function keepDefined(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  await ifThere(async () => {
    if (await isDefined(link, uuid, wait)) return;
    await defineDomain(link, await readDefinition(link, uuid, { secrets: true }, wait), wait);
  });
}

/**
 * Removes a domain's definition with what libvirt keeps for it. No such domain is no error.
 * @param options.keepsFiles leaves the variables of its firmware where they are.
 */
async function undefineDomain(
  link: HostLink,
  uuid: string,
  wait: Wait,
  { keepsFiles = false }: { readonly keepsFiles?: boolean } = {},
): Promise<void> {
  const flags =
    DomainUndefineFlag.managedSave |
    DomainUndefineFlag.snapshotsMetadata |
    (keepsFiles ? DomainUndefineFlag.keepNvram : DomainUndefineFlag.nvram) |
    DomainUndefineFlag.checkpointsMetadata;
  await ifThere(async () => link.call(domainUndefineFlags, { dom: domainOf(uuid), flags }, wait));
}

/**
 * Removes a domain whole, whether it runs or not; options as for `undefineDomain`. Its definition goes
 * first, so that nobody can start it again in between; where it has none libvirt refuses that, and it
 * goes as it ends.
 */
export async function removeDomain(
  link: HostLink,
  uuid: string,
  wait: Wait,
  options: Parameters<typeof undefineDomain>[3] = {},
): Promise<void> {
  await ifValid(async () => undefineDomain(link, uuid, wait, options));
  await destroyDomain(link, uuid, wait);
  await undefineDomain(link, uuid, wait, options);
}

/** Starts a domain; one that runs already is no error. */
export async function startDomain(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  const dom = domainOf(uuid);
  const { state } = await link.call(domainGetState, { dom, flags: 0 }, wait);
  if (!isActive(stateOf(state))) await link.call(domainCreateWithFlags, { dom, flags: 0 }, wait);
}

/** Pulls the plug. A domain that does not run, or is not there, is no error. */
export async function destroyDomain(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  const dom = domainOf(uuid);
  await ifThere(async () => {
    await ifValid(async () => link.call(domainDestroyFlags, { dom, flags: 0 }, wait));
  });
}

/**
 * Asks the guest to shut down; it may take its time, or not listen. A domain that does not run, or
 * is not there, is no error.
 */
export async function askShutdown(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  const dom = domainOf(uuid);
  await ifThere(async () => {
    await ifValid(async () => link.call(domainShutdownFlags, { dom, flags: 0 }, wait));
  });
}

export async function rebootDomain(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  await link.call(domainReboot, { dom: domainOf(uuid), flags: 0 }, wait);
}

/** Stops the guest's CPUs; its memory stays. Paused already is no error. */
export async function pauseDomain(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  await link.call(domainSuspend, { dom: domainOf(uuid) }, wait);
}

export async function resumeDomain(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  const dom = domainOf(uuid);
  const { state } = await link.call(domainGetState, { dom, flags: 0 }, wait);
  if (stateOf(state) === 'paused') await link.call(domainResume, { dom }, wait);
}

/** @throws BERTH_CONFLICT unless the domain runs. */
export function mustRun(record: DomainRecord, what: string): void {
  if (isActive(record.state)) return;
  throw berthError('BERTH_CONFLICT', {
    what: `${what} ${record.name}`,
    why: `it is ${record.state}`,
    remedy: `start it with: berth vm start ${record.name}`,
  });
}

async function ifThere<T>(act: () => Promise<T>): Promise<T | undefined> {
  return unlessCode(ErrorCode.noDomain, act);
}

/** "Operation invalid" is libvirt's answer where the domain is already as asked. */
async function ifValid<T>(act: () => Promise<T>): Promise<T | undefined> {
  return unlessCode(ErrorCode.operationInvalid, act);
}

async function unlessCode<T>(code: number, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (libvirtCodeOf(error) === code) return undefined;
    throw error;
  }
}
