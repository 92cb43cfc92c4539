import type { Connection } from '../connection.ts';
import { StorageVolInfoFlag } from '../flags/storage-vol-flags.ts';
import type { StorageVol } from '../procedures/objects.ts';
import { storageVolGetInfoFlags } from '../procedures/storage-vol.ts';
import type { Wait } from '../rpc/wait.ts';

/** What a volume takes on its host, as its stream sees it: the image itself, not what a guest sees. */
export interface VolumeExtent {
  /** Its length: of a qcow2 file the file's, not that of the disk inside. */
  readonly bytes: number;
  /** A StorageVolType. */
  readonly type: number;
  /** True when nothing of it is allocated. A file like that reads as zeros throughout. */
  readonly isBlank: boolean;
}

/** Asks how large a volume is. @throws like `connection.call`. */
export async function volumeExtent(
  connection: Pick<Connection, 'call'>,
  vol: StorageVol,
  wait: Wait,
): Promise<VolumeExtent> {
  const flags = StorageVolInfoFlag.getPhysical;
  const [{ type, allocation }, physical] = await Promise.all([
    connection.call(storageVolGetInfoFlags, { vol }, wait),
    connection.call(storageVolGetInfoFlags, { vol, flags }, wait),
  ]);
  // With that flag the figure called allocation is the length. No file system holds 2^53 bytes in one.
  return { bytes: Number(physical.allocation), type, isBlank: allocation === 0n };
}
