import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { formatSize } from '../../base/units.ts';
import { Undo } from '../../base/undo.ts';
import type { GuestImage } from '../guest/guest-image.ts';
import type { ShownMachine } from '../machine/shown-machine.ts';
import { thawNamespaceHost } from '../private-host/namespace-host.ts';
import { hasErrno } from '../system/errno.ts';
import { lockFolder } from '../system/folder-lock.ts';
import { endKeeper, keeperRuns, startKeeper, type Keeper } from './keeper.ts';
import { makeAuthority } from './lab-certificates.ts';
import {
  LAB_HOSTS_FILE,
  LAB_PKI,
  LAB_SSH_CONFIG,
  labFolder,
  labHostFolder,
  labHostName,
  labNames,
  makeLabFolder,
  removeLabFolder,
  removeLeftovers,
} from './lab-folder.ts';
import {
  findRunning,
  labHostUri,
  prepareLabHost,
  startLabHost,
  stopLabHost,
  type LabGround,
} from './lab-host.ts';
import type { LabHostInfo } from './lab-info.ts';
import { hostAddress, LAB_HOSTS_MAX, networkOf, wishedNetwork } from './lab-network.ts';
import { readLabRecord, writeLabRecord, type LabHostRecord, type LabRecord } from './lab-record.ts';
import { writeKnownHosts, writeSshConfig } from './known-hosts.ts';
import { makeSshKey } from '../system/ssh-key.ts';
import { findLabTools, type LabTools } from './lab-tools.ts';
import { borrowPages, planLoan, planReturn, returnPages } from './page-loan.ts';

/** A start is half waiting; on two cores a dozen at once are no slower than all. */
const STARTS_AT_ONCE_MAX = 12;

/** One host that a lab is to have. */
export type LabHostWish = NamespaceHostWish | KvmHostWish;

export interface NamespaceHostWish {
  readonly kind: 'namespace';
  /** What it shows; absent: this machine as it is. */
  readonly machine?: ShownMachine;
  /** Bytes of a file system of its own, which can be filled up without harm to the machine's. */
  readonly disk?: number;
}

export interface KvmHostWish {
  readonly kind: 'kvm';
  /** A name of KVM_MACHINES. */
  readonly machine: string;
}

/** Hears how the hosts of a lab come up. */
export interface LabProgress {
  /** So many of all are up. */
  up(done: number, of: number): void;
  /** What a host that takes long is at. */
  detail?(host: string, step: string): void;
}

export interface LabOptions {
  /** The folder below which all labs of its owner lie. */
  readonly home: string;
  readonly name: string;
  /**
   * All hosts of the lab, in order; those that are there already must be among them. Absent: those,
   * or one host that shows this machine.
   */
  readonly hosts?: readonly LabHostWish[];
  /** The library for CPUs that are not there, where it could be built. */
  readonly shim?: { readonly library: string };
  /** What guests can be booted with; put among the images of every host. */
  readonly guest?: GuestImage;
  /** Pages of 2 MiB to make the machine's pool larger by, until the lab ends. */
  readonly pages?: number;
  /** Things the caller found the lab to lack, in words. */
  readonly notes?: readonly string[];
  readonly signal: AbortSignal;
  /** Folder for what is built once for all labs. */
  readonly cache: string;
  readonly progress?: LabProgress;
}

/**
 * Brings a lab up: its network, and all its hosts at once. What runs already stays as it is, what
 * has ended is started again with the state it had, what is new is added.
 * @returns how many hosts it has, and whether anything had to be done.
 * @throws BERTH_SPEC_INVALID (name, number of hosts), BERTH_CONFLICT when the lab has other hosts
 *   than those, BERTH_BUSY, and what startNamespaceHost does. A lab that was not there before is
 *   then not there after either; of one that was, what is new is taken back.
 */
export async function upLab(
  options: LabOptions,
): Promise<{ readonly hosts: number; readonly changed: boolean }> {
  checkLabUser();
  if (options.hosts !== undefined) checkHostCount(options.hosts.length);
  const dir = await makeLabFolder(options.home, options.name);
  using _lock = lockFolder(dir);
  const before = await readLabRecord(dir);
  const tools = await findLabTools();
  const hosts = wishedHosts(options, tools, before?.hosts ?? []);
  await using undo = new Undo();
  undo.add('clear what was begun', async () => takeBack(options.home, dir, before));
  const record = await startNetwork(dir, options, {
    name: options.name,
    ...before,
    hosts,
    notes: [...tools.notes, ...(options.notes ?? [])],
  });
  const ground: LabGround = {
    lab: options.name,
    dir,
    keeper: record.keeper,
    tools,
    cache: options.cache,
    ...(options.shim === undefined ? {} : { shim: options.shim }),
    ...(options.guest === undefined ? {} : { guest: options.guest }),
  };
  const started = await startHosts(ground, record.hosts, options);
  undo.commit();
  const changed = started > 0 || before?.keeper?.process.pid !== record.keeper.process.pid;
  return { hosts: record.hosts.length, changed };
}

/**
 * Ends a lab and removes it: every process, link, mount, cgroup and file of it. One that was left
 * half made, or whose removal was broken off, is removed as well.
 * @returns the hosts that it had; undefined when there was no such lab.
 * @throws BERTH_BUSY, BERTH_FACTS_INVALID.
 */
export async function downLab(
  home: string,
  name: string,
): Promise<readonly Pick<LabHostInfo, 'name' | 'uri'>[] | undefined> {
  const dir = labFolder(home, name);
  if (!(await labNames(home)).includes(name)) {
    await removeLeftovers(home);
    return undefined;
  }
  using _lock = lockFolder(dir);
  const record = await readLabRecord(dir);
  await clearLab(home, dir, record);
  return (record?.hosts ?? []).map(({ index }) => ({
    name: labHostName(name, index),
    uri: labHostUri(labHostFolder(dir, index)),
  }));
}

/** @throws BERTH_PERMISSION for anybody but root. */
export function checkLabUser(): void {
  if (process.getuid?.() === 0) return;
  throw berthError('BERTH_PERMISSION', {
    what: 'a lab',
    reason: 'only root may make the namespaces and links that its hosts are made of',
    remedy: 'run as root',
  });
}

function checkHostCount(count: number): void {
  if (count >= 1 && count <= LAB_HOSTS_MAX) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'number of hosts',
    problem: `${count} hosts`,
    expected: `1 to ${LAB_HOSTS_MAX}, which is what fits on the lab's network`,
  });
}

/** The records of all hosts wished for, those that are there unchanged. */
function wishedHosts(
  { name, hosts }: LabOptions,
  tools: LabTools,
  known: readonly LabHostRecord[],
): readonly LabHostRecord[] {
  if (hosts === undefined) {
    return known.length > 0 ? known : [recordOf(1, { kind: 'namespace' }, tools)];
  }
  if (hosts.length < known.length) {
    throw otherLab(name, `it has ${known.length} hosts, more than the ${hosts.length} asked for`);
  }
  return hosts.map((wish, at) => {
    const wanted = recordOf(at + 1, wish, tools);
    const there = known.find(({ index }) => index === wanted.index);
    if (there === undefined) return wanted;
    if (sameMachine(there, wanted)) return there;
    throw otherLab(
      name,
      `its host ${labHostName(name, wanted.index)} ${difference(there, wanted)}`,
    );
  });
}

function recordOf(index: number, wish: LabHostWish, { sshd, openssl }: LabTools): LabHostRecord {
  if (wish.kind === 'kvm') {
    return { index, kind: 'kvm', machine: wish.machine, ssh: true, tls: false };
  }
  return {
    index,
    kind: 'namespace',
    machine: wish.machine?.name ?? OWN_MACHINE,
    ...(wish.machine === undefined ? {} : { digest: digestOf(wish.machine) }),
    ...(wish.disk === undefined ? {} : { disk: wish.disk }),
    ssh: sshd !== undefined,
    tls: openssl !== undefined,
  };
}

function sameMachine(one: LabHostRecord, other: LabHostRecord): boolean {
  const parts = ({ kind, machine, digest, disk }: LabHostRecord): string =>
    JSON.stringify([kind, machine, digest, disk]);
  return parts(one) === parts(other);
}

/** What tells a host that is there from the one that is wanted. */
function difference(there: LabHostRecord, wanted: LabHostRecord): string {
  if (there.machine !== wanted.machine) return `is a "${there.machine}", not "${wanted.machine}"`;
  if (there.disk !== wanted.disk) {
    const size = (disk?: number): string => (disk === undefined ? 'no disk' : formatSize(disk));
    return `has ${size(there.disk)} of its own, not ${size(wanted.disk)}`;
  }
  return `shows another machine of the name "${there.machine}"`;
}

/** Two files of one name can be two machines, and so can one file at two times. */
function digestOf({ files }: ShownMachine): string {
  const entries = Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

/** What a host shows that shows no other machine. */
export const OWN_MACHINE = 'this';

function otherLab(name: string, why: string): Error {
  return berthError('BERTH_CONFLICT', {
    what: `the lab "${name}"`,
    why,
    remedy: `leave --hosts and --machine out to have it as it is, end it with berth lab down ${name}, or give another name`,
  });
}

type RunningRecord = LabRecord & Required<Pick<LabRecord, 'keeper'>>;

/** Makes sure that the lab's namespaces are there, and what all its hosts share. */
async function startNetwork(
  dir: string,
  { signal, pages }: LabOptions,
  record: LabRecord,
): Promise<RunningRecord> {
  let { keeper } = record;
  await writeLabRecord(dir, record);
  const known = pages === undefined ? record : await borrow(dir, record, pages);
  if (keeper === undefined || !(await keeperRuns(keeper))) {
    const wish = keeper?.network ?? wishedNetwork(dir);
    const remember = async (started: Keeper): Promise<void> =>
      writeLabRecord(dir, { ...known, keeper: started });
    keeper = await startKeeper(dir, wish, signal, remember);
  }
  await mkdir(join(dir, 'ssh'), { recursive: true, mode: 0o700 });
  if (record.hosts.some(({ ssh }) => ssh)) {
    const identity = join(dir, 'ssh', 'id');
    await makeSshKey(identity, `lab ${record.name}`, signal);
    const knownHosts = join(dir, 'ssh', 'known_hosts');
    await writeSshConfig(join(dir, LAB_SSH_CONFIG, 'ssh_config'), { identity, knownHosts });
  }
  if (record.hosts.some(({ tls }) => tls)) {
    for (const set of Object.values(LAB_PKI)) {
      await makeAuthority(join(dir, set), record.name, signal);
    }
  }
  // In place: a running host has this very file mounted.
  await writeFile(join(dir, LAB_HOSTS_FILE), namesOfHosts(record, keeper));
  return { ...known, keeper };
}

/** Written down before and after, so that whatever happens between is known to have to be undone. */
async function borrow(dir: string, record: LabRecord, pages: number): Promise<LabRecord> {
  if (record.loan?.state === 'lent') {
    if (record.loan.pages === pages) return record;
    throw otherLab(record.name, `it has ${record.loan.pages} pages of the machine, not ${pages}`);
  }
  const plan = await planLoan(pages);
  await writeLabRecord(dir, { ...record, loan: plan });
  const lent = { ...record, loan: await borrowPages(plan) };
  await writeLabRecord(dir, lent);
  return lent;
}

async function giveBack(dir: string, { loan, ...record }: LabRecord): Promise<void> {
  const plan = loan && (await planReturn(loan));
  if (plan !== undefined) {
    await writeLabRecord(dir, { ...record, loan: plan });
    await returnPages(plan);
  }
  await writeLabRecord(dir, record);
}

function namesOfHosts({ name, hosts }: LabRecord, { network }: Keeper): string {
  const lines = hosts.map(({ index }) => {
    const host = labHostName(name, index);
    return `${hostAddress(network, index)} ${host}\n`;
  });
  return `127.0.0.1 localhost\n::1 localhost\n${networkOf(network).gateway} lab\n${lines.join('')}`;
}

/**
 * Starts every host that does not run: namespace hosts all at once, KVM hosts one after the other,
 * since the first one builds and boots what the others are restored from.
 * @returns how many.
 */
async function startHosts(
  ground: LabGround,
  hosts: readonly LabHostRecord[],
  { hosts: wishes, signal, progress }: LabOptions,
): Promise<number> {
  const broken = new AbortController();
  const stop = AbortSignal.any([signal, broken.signal]);
  let done = 0;
  let started = 0;
  const start = async (host: LabHostRecord): Promise<void> => {
    if ((await findRunning(ground.dir, host)) === undefined) {
      started++;
      const wish = wishes?.[host.index - 1];
      const machine = wish?.kind === 'namespace' ? wish.machine : undefined;
      await prepareLabHost(ground, host, machine, stop);
      const name = labHostName(ground.lab, host.index);
      await startLabHost(ground, host, stop, (step) => progress?.detail?.(name, step));
    }
    done++;
    progress?.up(done, hosts.length);
  };
  const waiting = hosts.filter(({ kind }) => kind === 'namespace').values();
  const inTurn = async (some: Iterable<LabHostRecord>): Promise<void> => {
    for (const host of some) {
      if (stop.aborted) throw berthError('BERTH_INTERRUPTED', { what: `the lab ${ground.lab}` });
      await start(host);
    }
  };
  const lines = Array.from({ length: STARTS_AT_ONCE_MAX }, () => waiting);
  await allOrFirstFailure(
    [...lines, hosts.filter(({ kind }) => kind === 'kvm')].map(inTurn),
    broken,
  );
  await writeKnownHosts(
    join(ground.dir, 'ssh', 'known_hosts'),
    hosts
      .filter(({ ssh }) => ssh)
      .map(({ index }) => ({
        name: labHostName(ground.lab, index),
        address: hostAddress(ground.keeper.network, index),
        key: join(labHostFolder(ground.dir, index), 'ssh_host_key'),
      })),
  );
  return started;
}

/** Ends the others when one fails, and then throws what that one did. */
async function allOrFirstFailure(
  works: readonly Promise<void>[],
  others: AbortController,
): Promise<void> {
  const failures: unknown[] = [];
  const watched = works.map(async (work) => {
    try {
      await work;
    } catch (error) {
      failures.push(error);
      others.abort();
    }
  });
  await Promise.all(watched);
  if (failures.length > 0) throw failures[0];
}

/** After a failure: a new lab goes, an old one keeps the hosts that it had. */
async function takeBack(home: string, dir: string, before: LabRecord | undefined): Promise<void> {
  const now = await readLabRecord(dir);
  if (before === undefined) {
    await clearLab(home, dir, now);
    return;
  }
  const older = new Set(before.hosts.map(({ index }) => index));
  for (const { index } of now?.hosts ?? []) {
    if (older.has(index)) continue;
    await stopLabHost(labHostFolder(dir, index));
    await rm(labHostFolder(dir, index), { recursive: true, force: true });
  }
  const kept = { ...before, ...now, hosts: before.hosts };
  if (before.loan === undefined && kept.loan !== undefined) await giveBack(dir, kept);
  else await writeLabRecord(dir, kept);
}

/**
 * The keeper goes first, for everything ends with it; the record last, so that this can be resumed.
 * The folder is moved aside before it is removed: whoever wants a lab of that name then makes a new
 * one, with a lock of its own.
 */
async function clearLab(home: string, dir: string, record: LabRecord | undefined): Promise<void> {
  const folders = await hostFolders(dir);
  await Promise.all(folders.map(thawNamespaceHost));
  if (record?.keeper !== undefined) await endKeeper(record.keeper);
  await Promise.all(folders.map(stopLabHost));
  // What follows may need room on a disk that is full of them.
  await rm(join(dir, 'h'), { recursive: true, force: true });
  if (record?.loan !== undefined) await giveBack(dir, record);
  await removeLabFolder(home, dir);
}

async function hostFolders(dir: string): Promise<readonly string[]> {
  try {
    return (await readdir(join(dir, 'h'))).map((name) => join(dir, 'h', name));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
