import type { VolumeOwners } from '../../host/volume-users.ts';
import type { VmSpec } from '../../model/vm-spec.ts';
import type { Store } from '../../store/store.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';

/** The files of its host that a VM boots from, by path. */
export function bootFilesOf({ boot }: Pick<VmSpec, 'boot'>): readonly string[] {
  return [boot.kernel, boot.initrd].filter((path) => path !== undefined);
}

/** Whose the volumes of a host may be: a VM that is being made has a claim until it has a domain. */
export async function volumeOwners(mirror: HostMirror, store: Store): Promise<VolumeOwners> {
  const claims = (await store.claims.list()).filter(({ placement }) => {
    return placement.host === mirror.name;
  });
  return { domains: mirror.records, coming: claims.map(({ vm }) => vm) };
}
