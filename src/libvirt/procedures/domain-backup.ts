/** Backups of a running domain's disks. One is a job of the domain, so there is one at a time. */
import { flags, optional, string } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * Starts a backup of the disks as they are at this moment, as `<domainbackup>` XML asks. In push
 * mode QEMU writes files and ends by itself (DomainEvent.jobCompleted). In pull mode it offers the
 * disks over NBD until `domainAbortJob`, which is the proper end and no failure. With
 * `checkpointXml` a checkpoint of the same moment is made. Flags: DomainBackupBeginFlag. Code 55
 * unless the domain runs.
 *
 * @since 6.0.0
 */
export const domainBackupBegin = command(
  'domainBackupBegin',
  421,
  { dom: domain, backupXml: string, checkpointXml: optional(string), flags },
  {},
);

/**
 * The running backup as XML, with what libvirt chose by itself, such as a port; code 104 where none
 * runs. No flags are known.
 *
 * @since 6.0.0
 */
export const domainBackupGetXmlDesc = query(
  'domainBackupGetXmlDesc',
  422,
  { dom: domain, flags },
  { xml: string },
);
