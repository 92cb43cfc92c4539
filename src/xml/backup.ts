import { readDiskSource, type DiskSource } from './domain-disk.ts';
import type { XmlElement } from './element.ts';
import { flagAttribute, frozen, integerAttribute, refuseValue, textOf } from './value.ts';

/** What Berth reads of a `<domainbackup>`. */
export interface BackupXml {
  /** push, where QEMU writes the backup, or pull, where somebody fetches it over NBD. */
  readonly mode: string | undefined;
  /** The checkpoint that only changes since are wanted of. */
  readonly incremental: string | undefined;
  /** Where the NBD server listens; of mode pull. */
  readonly server: BackupServer | undefined;
  readonly disks: readonly BackupDisk[];
}

/** Where QEMU offers the disks of a backup in mode pull, by NBD. */
export interface BackupServer {
  /** tcp or unix. */
  readonly transport: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly socket: string | undefined;
  readonly tls: boolean | undefined;
}

/** What a backup does with one disk. */
export interface BackupDisk {
  /** The target of the disk, such as vda. */
  readonly name: string | undefined;
  /** False for a disk that is left out. */
  readonly included: boolean;
  readonly type: string | undefined;
  /** full or incremental. */
  readonly mode: string | undefined;
  readonly incremental: string | undefined;
  readonly exportName: string | undefined;
  /** The bitmap that tells what has changed. */
  readonly exportBitmap: string | undefined;
  readonly format: string | undefined;
  /** What the backup is written to; of mode push. */
  readonly target: DiskSource | undefined;
  /** Where what the guest overwrites meanwhile is kept; of mode pull. */
  readonly scratch: DiskSource | undefined;
}

/**
 * Reads a backup.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readBackup(root: XmlElement): BackupXml {
  if (root.name !== 'domainbackup') {
    refuseValue(root, `the root is <${root.name}>`, 'a <domainbackup>');
  }
  const server = root.child('server');
  return frozen({
    mode: root.attribute('mode'),
    incremental: textOf(root.child('incremental')),
    server: server === undefined ? undefined : readServer(server),
    disks: root.findAll('disks/disk').map(readBackupDisk),
  });
}

function readServer(server: XmlElement): BackupServer {
  return {
    transport: server.attribute('transport'),
    host: server.attribute('name'),
    port: integerAttribute(server, 'port'),
    socket: server.attribute('socket'),
    tls: flagAttribute(server, 'tls'),
  };
}

function readBackupDisk(disk: XmlElement): BackupDisk {
  const part = (name: string): DiskSource | undefined => {
    const source = disk.child(name);
    return source === undefined ? undefined : readDiskSource(source, source);
  };
  return {
    name: disk.attribute('name'),
    included: flagAttribute(disk, 'backup') ?? true,
    type: disk.attribute('type'),
    mode: disk.attribute('backupmode'),
    incremental: disk.attribute('incremental'),
    exportName: disk.attribute('exportname'),
    exportBitmap: disk.attribute('exportbitmap'),
    format: disk.child('driver')?.attribute('type'),
    target: part('target'),
    scratch: part('scratch'),
  };
}
