/**
 * Checkpoints: moments from which on libvirt records which blocks of the disks change, so that a
 * backup can copy those alone. They hold no data themselves.
 */
import { always, flags, i32, list, string } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain, domainCheckpoint, OBJECTS_MAX } from './objects.ts';

/**
 * Makes a checkpoint as `<domaincheckpoint>` XML asks. It serves incremental backups only if a
 * backup starts at the same moment: `domainBackupBegin` makes both at once. Flags:
 * DomainCheckpointCreateFlag. Code 55 unless the domain runs, 67 where a disk is not qcow2.
 *
 * @since 5.6.0
 */
export const domainCheckpointCreateXml = command(
  'domainCheckpointCreateXml',
  411,
  { dom: domain, xmlDesc: string, flags },
  { checkpoint: domainCheckpoint },
);

/**
 * A checkpoint as XML. Flags: DomainCheckpointXmlFlag; with `size` each disk says how many bytes
 * changed since.
 *
 * @since 5.6.0
 */
export const domainCheckpointGetXmlDesc = query(
  'domainCheckpointGetXmlDesc',
  412,
  { checkpoint: domainCheckpoint, flags },
  { xml: string },
);

/**
 * The domain's checkpoints that the flags choose (DomainCheckpointListFlag).
 *
 * @since 5.6.0
 */
export const domainListAllCheckpoints = query(
  'domainListAllCheckpoints',
  413,
  { dom: domain, needResults: always(1), flags },
  { checkpoints: list(domainCheckpoint, OBJECTS_MAX), ret: i32 },
);

/**
 * The checkpoints below this one that the flags choose (DomainCheckpointListFlag): its children, or
 * with `descendants` theirs as well.
 *
 * @since 5.6.0
 */
export const domainCheckpointListAllChildren = query(
  'domainCheckpointListAllChildren',
  414,
  { checkpoint: domainCheckpoint, needResults: always(1), flags },
  { checkpoints: list(domainCheckpoint, OBJECTS_MAX), ret: i32 },
);

/**
 * The checkpoint of that name; code 103 where there is none. No flags are known.
 *
 * @since 5.6.0
 */
export const domainCheckpointLookupByName = query(
  'domainCheckpointLookupByName',
  415,
  { dom: domain, name: string, flags },
  { checkpoint: domainCheckpoint },
);

/**
 * The checkpoint that was made before this one; code 103 for the first. No flags are known.
 *
 * @since 5.6.0
 */
export const domainCheckpointGetParent = query(
  'domainCheckpointGetParent',
  416,
  { checkpoint: domainCheckpoint, flags },
  { parent: domainCheckpoint },
);

/**
 * Deletes a checkpoint; what it recorded goes to the one before it. Flags:
 * DomainCheckpointDeleteFlag.
 *
 * @since 5.6.0
 */
export const domainCheckpointDelete = command(
  'domainCheckpointDelete',
  417,
  { checkpoint: domainCheckpoint, flags },
  {},
);
