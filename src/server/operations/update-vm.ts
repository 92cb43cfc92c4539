import { basename } from 'node:path';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { cellDistance } from '../../engine/host-shape.ts';
import { comingAt, requestOf } from '../../engine/request.ts';
import { readDefinition, redefined, restored } from '../../host/definition.ts';
import { isActive } from '../../host/domain-record.ts';
import { defineDomain, destroyDomain, startDomain } from '../../host/domains.ts';
import {
  checkFiles,
  growVolume,
  makeDisk,
  volumeName,
  volumeNames,
} from '../../host/image-pool.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import { checkNetworks } from '../../host/network-check.ts';
import { ownedBy, placedDisks } from '../../host/owned-devices.ts';
import { renderDomain } from '../../host/render-domain.ts';
import type { PlacedDisk } from '../../host/render-domain.ts';
import { repin } from '../../host/pinning.ts';
import { noteRunning } from '../../host/write-metadata.ts';
import type { Wait } from '../../host/host-link.ts';
import type { Placement } from '../../model/placement.ts';
import { cpuNumbers } from '../../model/topology.ts';
import type { DiskSpec, VmSpec } from '../../model/vm-spec.ts';
import type { Store } from '../../store/store.ts';
import { changesOf } from '../declare/changes-of.ts';
import { asksTheSame, claimThere, hasSameRules } from '../declare/seat-claim.ts';
import { liveDocument } from '../declare/live-document.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { settleFloating } from '../fleet/floating.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import { bootFilesOf, volumeOwners } from './named-files.ts';
import { deleteOwnPaths, deleteOwnVolumes } from './own-volumes.ts';
import { asWorkedOut } from './worked-out-update.ts';
import type { OperationPlan, Step } from './operation-kind.ts';
import { shutdown } from './shutdown.ts';
import type { ShutdownMemory } from './shutdown.ts';

/** What changing a VM needs to know from step to step, and after a crash. */
export interface UpdateMemory extends ShutdownMemory {
  /** The document that it is to be as. */
  readonly document: VmDocument;
  /** What the domain said of itself before. */
  readonly before: VmMetadata;
  /** The guest is stopped for the change, and started again. */
  readonly restart: boolean;
  /** A disk grows, or goes: no guest may be running then. */
  readonly hasDiskWork: boolean;
  /** As of a creation. */
  readonly boundActor?: string;
  readonly placement?: Placement;
  /** Its old place is claimed beside the new one until there is no way back. */
  readonly keepsOldPlace?: boolean;
  /** When the VM is expected to be gone, where its document says for how long it stays. */
  readonly expectedEnd?: number;
  /** The definition before, without the passwords in it. */
  readonly definition?: string;
  /** True once no volume of ours can have been there before: only then may undoing delete them. */
  readonly disksChecked?: boolean;
  /** Disks that were not there before. */
  readonly disks?: readonly PlacedDisk[];
}

/** What the steps act on. */
export interface UpdateContext {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly now: () => number;
}

type UpdateStep = Step<UpdateMemory>;

/**
 * Changing a VM where it is: claim its new seat beside the one it has, write the definition in place,
 * and let go of the old seat last, when nothing can fail any more. Without `restart` a guest that runs
 * goes on as it is until it ends.
 */
export function updateVm(
  context: UpdateContext,
  { restart, hasDiskWork }: Pick<UpdateMemory, 'restart' | 'hasDiskWork'>,
): OperationPlan<UpdateMemory> {
  const { fleet } = context;
  const steps = [
    claimSeat(context),
    lookBefore(context),
    makeNewDisks(context),
    ...(restart ? [endGuest(context)] : []),
    define(context),
    makeRoom(context),
    ...(hasDiskWork ? [growDisks(context)] : []),
    ...(restart ? [startAgain(context)] : []),
    ...(hasDiskWork ? [deleteDisks(context)] : []),
    letGo(context),
  ];
  const ready = async ({ host }: UpdateMemory): Promise<void> => fleet.reachable(host);
  return { kind: 'update', steps, hostOf: ({ host }) => host, ready };
}

/** Only what asks for something else than before, or beside others, is placed anew. */
function claimSeat({ fleet, store, now }: UpdateContext): UpdateStep {
  return {
    name: 'find room on its host and claim it',
    act: async (asked) => {
      const memory = { ...asked, before: await asWorkedOut(fleet, asked) };
      const { document, uuid, host } = memory;
      const spec = parseVmDocument(document);
      const last = configMetadata(memory.before);
      const was = parseVmDocument(last.document);
      const isSame = asksTheSame(was, spec);
      const known = { ...memory, ...endOf(was, spec, last, now()) };
      if (isSame && hasSameRules(was, spec)) return { ...known, placement: last.placement };
      const mine = (await store.claims.list()).find((claim) => claim.uuid === uuid);
      const placement =
        mine?.placement ??
        (await claimThere(
          { fleet, store, now },
          { spec, document },
          { uuid, host, before: last.placement },
        ));
      return { ...known, placement: isSame ? last.placement : placement, keepsOldPlace: true };
    },
    undo: async ({ uuid, host }, signal) => {
      await fleet.changed(uuid, host);
      await settleFloating(fleet, host, signal);
    },
  };
}

/** When it is expected to be gone: as was said, or counted anew where something else is said now. */
function endOf(
  was: VmSpec,
  spec: VmSpec,
  last: VmMetadata,
  now: number,
): Pick<UpdateMemory, 'expectedEnd'> {
  const isSame = was.expectedLifetimeMs === spec.expectedLifetimeMs;
  const { expectedEnd } = isSame ? last : comingAt(requestOf(spec), now);
  return expectedEnd === undefined ? {} : { expectedEnd };
}

function lookBefore({ fleet, store }: UpdateContext): UpdateStep {
  return {
    name: 'read its definition; check images, disk names and networks',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      const spec = parseVmDocument(memory.document);
      await checkNetworks(link, spec, wait);
      const fresh = { ...spec, disks: newDisks(memory) };
      const { boundActor } = memory;
      const bootFiles = boundActor === undefined ? [] : newBootFiles(memory);
      await mirror.inTurn('disks', async () => {
        const owners = await volumeOwners(mirror, store);
        await checkFiles(link, { spec: fresh, bootFiles, actor: boundActor ?? '', owners }, wait);
      });
      const definition = await readDefinition(link, memory.uuid, { secrets: false }, wait);
      return { ...memory, definition, disksChecked: true };
    },
  };
}

function makeNewDisks({ fleet, store }: UpdateContext): UpdateStep {
  return {
    name: 'make the disks that are new',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      const disks: PlacedDisk[] = [];
      await mirror.inTurn('disks', async () => {
        for (const disk of newDisks(memory)) {
          disks.push(await makeDisk(link, memory.name, disk, wait));
        }
      });
      return { ...memory, disks };
    },
    undo: async (memory, signal) => {
      if (memory.disksChecked !== true) return;
      const spec = { ...parseVmDocument(memory.document), disks: newDisks(memory) };
      const scene = { store, ...wayIn(fleet, memory, signal) };
      await deleteOwnVolumes(scene, memory, volumeNames(spec));
    },
  };
}

/** Undone behind the definition, so that the guest runs again as it did. */
function endGuest({ fleet }: UpdateContext): UpdateStep {
  return {
    ...shutdown<UpdateMemory>(fleet),
    undo: async (memory, signal) => start(fleet, memory, signal),
  };
}

/** The claim stays: undoing must find the old seat as free as it was. */
function define({ fleet, store }: UpdateContext): UpdateStep {
  return {
    name: 'write its definition',
    act: async (memory, signal) => {
      const { mirror } = wayIn(fleet, memory, signal);
      await mirror.inTurn('pins', async () => writeNew(fleet, memory, signal));
      return memory;
    },
    undo: async (memory, signal) => {
      if (memory.definition === undefined) return;
      await mustHaveOldPlace(store, memory);
      const { mirror } = wayIn(fleet, memory, signal);
      await mirror.inTurn('pins', async () => writeOld(fleet, memory, signal));
    },
  };
}

/** In turn with what pins anew: that writes a VM's metadata, too, and each from what it has read. */
async function writeNew(fleet: Fleet, memory: UpdateMemory, signal: AbortSignal): Promise<void> {
  const { mirror, link, wait } = wayIn(fleet, memory, signal);
  const { topology } = await mirror.snapshot([]);
  const xml = await readDefinition(link, memory.uuid, { secrets: true }, wait);
  const metadata = metadataAfter(memory);
  const spec = parseVmDocument(memory.document);
  const wanted = renderDomain({
    ...metadata,
    spec,
    uuid: memory.uuid,
    domainType: mirror.domainTypes[0] ?? 'qemu',
    arch: topology.arch,
    disks: placedDisks(xml, spec, memory.disks ?? []),
    distance: (from, to) => cellDistance(topology, from, to),
  });
  const owned = ownedBy([beforeOf(memory), metadata]);
  await defineDomain(link, redefined(xml, wanted, owned), wait);
  const now = await mirror.refresh(memory.uuid);
  if (now === undefined || !isActive(now.state)) return;
  await noteRunning(link, memory.uuid, metadataWhileRunning(memory, metadata), wait);
  await pinAsNoted(mirror, memory.uuid, cpuNumbers(topology), wait);
}

async function writeOld(fleet: Fleet, memory: UpdateMemory, signal: AbortSignal): Promise<void> {
  if (memory.definition === undefined) return;
  const { mirror, link, wait } = wayIn(fleet, memory, signal);
  const there = await mirror.refresh(memory.uuid);
  if (there === undefined) return;
  const xml = await readDefinition(link, memory.uuid, { secrets: true }, wait);
  await defineDomain(link, restored(xml, memory.definition), wait);
  if (isActive(there.state)) await noteRunning(link, memory.uuid, memory.before, wait);
  await mirror.refresh(memory.uuid);
}

/** Nothing but a journal that cannot be written leads here: what was let go of may be another's. */
async function mustHaveOldPlace(
  store: Store,
  { uuid, name, keepsOldPlace = false }: UpdateMemory,
): Promise<void> {
  if (!keepsOldPlace || (await store.claims.list()).some((claim) => claim.uuid === uuid)) return;
  throw berthError('BERTH_CONFLICT', {
    what: `take the change of ${name} back`,
    why: 'its old place was given back already',
    remedy: 'apply its document before the change again',
  });
}

/** What somebody has pinned elsewhere by hand comes back to where its placement says. */
async function pinAsNoted(
  mirror: HostMirror,
  uuid: string,
  pcpus: number,
  wait: Wait,
): Promise<void> {
  const record = await mirror.refresh(uuid);
  if (record?.metadata === undefined) return;
  const { placement, next } = record.metadata;
  const placements = next === undefined ? { placement } : { placement, next: next.placement };
  await repin(mirror.link, record, placements, pcpus, wait);
}

function makeRoom({ fleet }: UpdateContext): UpdateStep {
  return {
    name: 'move floating vCPUs off its pCPUs',
    act: async (memory, signal) => {
      await settleFloating(fleet, memory.host, signal);
      return memory;
    },
  };
}

/** A disk that has grown stays so: its guest may have written there. */
function growDisks({ fleet }: UpdateContext): UpdateStep {
  return {
    name: 'grow its disks',
    lasting: true,
    act: async (memory, signal) => {
      const { link, wait } = wayIn(fleet, memory, signal);
      for (const disk of parseVmDocument(memory.document).disks) {
        if (disk.device !== 'disk' || disk.sizeBytes === undefined) continue;
        await growVolume(link, volumeName(memory.name, disk), disk.sizeBytes, wait);
      }
      return memory;
    },
  };
}

function startAgain({ fleet }: UpdateContext): UpdateStep {
  return {
    name: 'start the domain',
    act: async (memory, signal) => {
      await start(fleet, memory, signal);
      return memory;
    },
    undo: async (memory, signal) => {
      const { link, wait } = wayIn(fleet, memory, signal);
      await destroyDomain(link, memory.uuid, wait);
    },
  };
}

/** When nothing can fail any more that would need them. */
function deleteDisks({ fleet, store }: UpdateContext): UpdateStep {
  return {
    name: 'delete the disks that are gone',
    lasting: true,
    act: async (memory, signal) => {
      const kept = new Set(metadataAfter(memory).volumes);
      const gone = beforeOf(memory).volumes.filter((path) => !kept.has(path));
      await deleteOwnPaths({ store, ...wayIn(fleet, memory, signal) }, memory, gone);
      return memory;
    },
  };
}

/** The claim is handed over to the domain, whose metadata shows both seats while it runs. */
function letGo({ fleet }: UpdateContext): UpdateStep {
  return {
    name: 'let go of the place that it had',
    lasting: true,
    act: async (memory, signal) => {
      await fleet.changed(memory.uuid, memory.host);
      try {
        await settleFloating(fleet, memory.host, signal);
      } catch (error) {
        // The VM is as it should be: others float over what is free now when the host changes next.
        if (!isBerthError(error)) throw error;
      }
      return memory;
    },
  };
}

async function start(fleet: Fleet, memory: UpdateMemory, signal: AbortSignal): Promise<void> {
  const { mirror, link, wait } = wayIn(fleet, memory, signal);
  await startDomain(link, memory.uuid, wait);
  await mirror.refresh(memory.uuid);
}

function wayIn(fleet: Fleet, { host }: UpdateMemory, signal: AbortSignal) {
  const mirror = fleet.host(host);
  return { mirror, link: mirror.link, wait: mirror.wait(signal) };
}

/** Disks of the document that the VM did not have. */
function newDisks(memory: UpdateMemory): readonly DiskSpec[] {
  const { disks: before } = parseVmDocument(beforeOf(memory).document);
  const { disks } = parseVmDocument(memory.document);
  return disks.filter((disk) => !before.some(({ name }) => name === disk.name));
}

/** Files that it did not boot from before: what somebody else has let it have, it keeps. */
function newBootFiles(memory: UpdateMemory): readonly string[] {
  const before = bootFilesOf(parseVmDocument(beforeOf(memory).document));
  return bootFilesOf(parseVmDocument(memory.document)).filter((path) => !before.includes(path));
}

/** What its definition said of itself before. */
function beforeOf({ before }: UpdateMemory): VmMetadata {
  return configMetadata(before);
}

/** What its definition is to say of itself. */
function metadataAfter(memory: UpdateMemory): VmMetadata {
  const { document, disks = [], name, expectedEnd } = memory;
  const { volumes } = beforeOf(memory);
  const spec = parseVmDocument(document);
  const names = new Set(volumeNames(spec));
  const made = disks.filter((disk) => disk.spec.device === 'disk').map(({ path }) => path);
  const old = volumes.filter((path) => names.has(basename(path)) || !isDiskOf(memory, name, path));
  return {
    document,
    placement: present(memory.placement, 'the placement that the first step found'),
    volumes: [...new Set([...old, ...made])],
    ...(expectedEnd === undefined ? {} : { expectedEnd }),
  };
}

/** True for the volume of a disk that the document before knew. */
function isDiskOf(memory: UpdateMemory, name: string, path: string): boolean {
  const { disks } = parseVmDocument(beforeOf(memory).document);
  return disks.some((disk) => basename(path) === volumeName(name, disk));
}

/** A guest goes on by its old document and seat, but for what holds at once. */
function metadataWhileRunning({ before }: UpdateMemory, after: VmMetadata): VmMetadata {
  const { document, placement, ...rest } = after;
  const changes = changesOf(parseVmDocument(before.document), parseVmDocument(document), true);
  if (changes.every(({ cost }) => cost === 'live')) return after;
  const volumes = [...new Set([...before.volumes, ...after.volumes])];
  return {
    ...rest,
    volumes,
    document: liveDocument(before.document, document),
    placement: before.placement,
    next: { document, placement },
  };
}
