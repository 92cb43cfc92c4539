import { present } from '../../base/assert.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { cellDistance } from '../../engine/host-shape.ts';
import { defineDomain, destroyDomain, removeDomain, startDomain } from '../../host/domains.ts';
import { checkFiles, makeDisk, volumeNames } from '../../host/image-pool.ts';
import { checkNetworks } from '../../host/network-check.ts';
import { renderDomain } from '../../host/render-domain.ts';
import type { PlacedDisk } from '../../host/render-domain.ts';
import type { Placement } from '../../model/placement.ts';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { settleFloating } from '../fleet/floating.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { OperationPlan, Step } from './operation-kind.ts';
import type { Placer } from '../fleet/placer.ts';
import { bootFilesOf, volumeOwners } from './named-files.ts';
import { mustBeFree } from './name-check.ts';
import { deleteOwnVolumes } from './own-volumes.ts';

/** What creating a VM needs to know from step to step, and after a crash. */
export interface CreateMemory {
  readonly uuid: string;
  readonly document: unknown;
  readonly start: boolean;
  /** Who asked, where that one may boot guests from images alone; absent: from any file of a host. */
  readonly boundActor?: string;
  readonly placement?: Placement;
  /** When the VM is expected to be gone, where its document says for how long it stays. */
  readonly expectedEnd?: number;
  /** True once no volume of ours can have been there before: only then may undoing delete them. */
  readonly disksChecked?: boolean;
  readonly disks?: readonly PlacedDisk[];
}

/** What the steps act on. */
export interface CreateContext {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly placer: Placer;
}

type CreateStep = Step<CreateMemory>;

/** Creating a VM: claim a place, make its disks, define it, make room, start it. */
export function createVm(context: CreateContext, start: boolean): OperationPlan<CreateMemory> {
  const steps = [
    claimPlace(context),
    checkTheDisks(context),
    makeDisks(context),
    define(context),
    makeRoom(context),
    ...(start ? [startIt(context)] : []),
  ];
  const hostOf = (memory: CreateMemory): string | undefined => memory.placement?.host;
  const ready = async (memory: CreateMemory) => context.fleet.reachable(hostOf(memory));
  return { kind: 'create', steps, hostOf, ready };
}

function claimPlace({ placer, store, fleet }: CreateContext): CreateStep {
  return {
    name: 'find a place and claim it',
    act: async (memory) => {
      await mustBeFree({ fleet, store }, parseVmDocument(memory.document).name);
      const claims = await store.claims.list();
      const mine = claims.find((claim) => claim.uuid === memory.uuid);
      const { document, uuid } = memory;
      const entry = { spec: parseVmDocument(document), document: document as VmDocument };
      const { placement, expectedEnd } = mine ?? (await placer.claim(entry, uuid));
      // Another server may have claimed it, on a host that this one has not heard of yet.
      await fleet.mustKnow(placement.host);
      return { ...memory, placement, ...(expectedEnd === undefined ? {} : { expectedEnd }) };
    },
    // A crash may have lost the memory of a claim that was made: the store knows its host.
    undo: async ({ uuid, placement }, signal) => {
      const host = (await fleet.release(uuid)) ?? placement?.host;
      if (host === undefined) return;
      await fleet.mustKnow(host);
      await settleFloating(fleet, host, signal);
    },
  };
}

function checkTheDisks({ fleet, store }: CreateContext): CreateStep {
  return {
    name: 'check images, disk names and networks',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      const spec = parseVmDocument(memory.document);
      await checkNetworks(link, spec, wait);
      const { boundActor } = memory;
      const bootFiles = boundActor === undefined ? [] : bootFilesOf(spec);
      await mirror.inTurn('disks', async () => {
        const owners = await volumeOwners(mirror, store);
        await checkFiles(link, { spec, bootFiles, actor: boundActor ?? '', owners }, wait);
      });
      return { ...memory, disksChecked: true };
    },
  };
}

function makeDisks({ fleet, store }: CreateContext): CreateStep {
  return {
    name: 'make the disks',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      const { name, disks: wanted } = parseVmDocument(memory.document);
      const disks: PlacedDisk[] = [];
      await mirror.inTurn('disks', async () => {
        for (const disk of wanted) disks.push(await makeDisk(link, name, disk, wait));
      });
      return { ...memory, disks };
    },
    undo: async (memory, signal) => {
      if (memory.disksChecked !== true) return;
      const spec = parseVmDocument(memory.document);
      const owner = { name: spec.name, uuid: memory.uuid };
      await deleteOwnVolumes({ store, ...wayIn(fleet, memory, signal) }, owner, volumeNames(spec));
    },
  };
}

/** The claim is handed over to the domain: from here on the host itself shows the seat. */
function define({ fleet }: CreateContext): CreateStep {
  return {
    name: 'define the domain',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      await defineDomain(link, await domainXml(mirror, memory), wait);
      await mirror.refresh(memory.uuid);
      await fleet.release(memory.uuid);
      return memory;
    },
    undo: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      await removeDomain(link, memory.uuid, wait);
      await mirror.refresh(memory.uuid);
    },
  };
}

function makeRoom({ fleet }: CreateContext): CreateStep {
  return {
    name: 'move floating vCPUs off its pCPUs',
    act: async (memory, signal) => {
      await settleFloating(fleet, placed(memory).host, signal);
      return memory;
    },
  };
}

function startIt({ fleet }: CreateContext): CreateStep {
  return {
    name: 'start the domain',
    act: async (memory, signal) => {
      const { mirror, link, wait } = wayIn(fleet, memory, signal);
      await startDomain(link, memory.uuid, wait);
      await mirror.refresh(memory.uuid);
      return memory;
    },
    undo: async (memory, signal) => {
      const { link, wait } = wayIn(fleet, memory, signal);
      await destroyDomain(link, memory.uuid, wait);
    },
  };
}

async function domainXml(mirror: HostMirror, memory: CreateMemory): Promise<string> {
  const { disks = [], expectedEnd } = memory;
  const { topology } = await mirror.snapshot([]);
  return renderDomain({
    uuid: memory.uuid,
    domainType: mirror.domainTypes[0] ?? 'qemu',
    arch: topology.arch,
    spec: parseVmDocument(memory.document),
    document: memory.document,
    placement: placed(memory),
    ...(expectedEnd === undefined ? {} : { expectedEnd }),
    disks,
    volumes: disks.filter((disk) => disk.spec.device === 'disk').map((disk) => disk.path),
    distance: (from, to) => cellDistance(topology, from, to),
  });
}

function placed(memory: CreateMemory): Placement {
  return present(memory.placement, 'the placement that the first step claimed');
}

function wayIn(fleet: Fleet, memory: CreateMemory, signal?: AbortSignal) {
  const mirror = fleet.host(placed(memory).host);
  return { mirror, link: mirror.link, wait: mirror.wait(signal) };
}
