import { basename } from 'node:path';
import { isBerthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import type { HostLink, Wait } from '../../host/host-link.ts';
import { deleteVolumePaths, deleteVolumes } from '../../host/image-pool.ts';
import { disksInUse } from '../../host/volume-users.ts';
import type { IsDisk } from '../../host/volume-users.ts';
import type { Store } from '../../store/store.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';

/** Where the volumes are. */
export interface VolumeScene {
  readonly store: Store;
  readonly mirror: HostMirror;
  readonly link: HostLink;
  readonly wait: Wait;
}

/** Whose they are. */
export interface VolumeOwner {
  readonly name: string;
  readonly uuid: string;
}

/**
 * Deletes volumes of a VM by their paths, as its domain's metadata names them. A volume is called
 * after its VM, and names come again: what is another VM's by now stays.
 */
export async function deleteOwnPaths(
  scene: VolumeScene,
  owner: VolumeOwner,
  paths: readonly string[],
): Promise<void> {
  const look = async (): Promise<IsDisk> =>
    othersDisks(
      scene,
      owner,
      paths.map((path) => basename(path)),
    );
  await deleteVolumePaths(scene.link, { vm: owner.name, paths, look }, scene.wait);
}

/**
 * The same by their names in the pool, for volumes that no domain names any more, or yet: what the VM's
 * own domain still names stays with it, where that could not be taken back.
 */
export async function deleteOwnVolumes(
  scene: VolumeScene,
  owner: VolumeOwner,
  names: readonly string[],
): Promise<void> {
  const own = await scene.mirror.refresh(owner.uuid);
  const kept = new Set(own?.metadata?.volumes.map((path) => basename(path)));
  const gone = names.filter((name) => !kept.has(name));
  const look = async (): Promise<IsDisk> => othersDisks(scene, owner, gone);
  await deleteVolumes(scene.link, { names: gone, look }, scene.wait);
}

/**
 * Finds out which volumes are disks of others than their owner. It is asked right before a deletion, by
 * a server that may have been silent for so long that another one has ended its operation, and a VM of
 * the same name has been made since. That VM has a claim until it has a domain: claims are read first,
 * and one that was released before has advanced the host's generation.
 */
async function othersDisks(
  { store, mirror, link, wait }: VolumeScene,
  owner: VolumeOwner,
  names: readonly string[],
): Promise<IsDisk> {
  const claims = (await store.claims.list()).filter(
    ({ uuid, placement }) => uuid !== owner.uuid && placement.host === mirror.name,
  );
  const generation = await store.hosts.generation(mirror.name);
  if (generation !== undefined) await readAsFarAsTold(mirror, generation);
  const others = mirror.records.filter(({ uuid }) => uuid !== owner.uuid);
  const coming = claims.map(({ vm }) => vm);
  const domains = others.filter((record) => mayHave(record, owner, names));
  return disksInUse(link, { domains, coming }, wait);
}

/** A domain that libvirt does not tell of keeps no removal from being finished. */
async function readAsFarAsTold(mirror: HostMirror, generation: number): Promise<void> {
  try {
    await mirror.readSince(generation);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_LIBVIRT_REFUSED')) throw error;
  }
}

/** What a VM of Berth's has, its metadata name; of any other domain its definition has to be read. */
function mayHave(
  { name, metadata }: DomainRecord,
  owner: VolumeOwner,
  names: readonly string[],
): boolean {
  if (metadata === undefined || name === owner.name) return true;
  return metadata.volumes.some((path) => names.includes(basename(path)));
}
