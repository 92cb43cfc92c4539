/**
 * Snapshots: the state of a domain's disks, and of its memory if wanted, to which it can go back.
 * They form a tree; the current one is that which the next becomes a child of. The old calls that
 * list mere names are left out: names may change between two calls, lists of snapshots may not.
 */
import { always, bool, flags, i32, list, string } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain, domainSnapshot, OBJECTS_MAX } from './objects.ts';

/**
 * Takes a snapshot as `<domainsnapshot>` XML asks; what it leaves open libvirt fills in. Flags:
 * DomainSnapshotCreateFlag. A snapshot with memory is a job (`domainGetJobStats`, `domainAbortJob`).
 * Code 67 where a disk's format cannot do it, 55 where the domain's state does not allow it.
 *
 * @since 0.8.0
 */
export const domainSnapshotCreateXml = command(
  'domainSnapshotCreateXml',
  185,
  { dom: domain, xmlDesc: string, flags },
  { snap: domainSnapshot },
);

/**
 * A snapshot as XML. Flags: DomainSnapshotXmlFlag.
 *
 * @since 0.8.0
 */
export const domainSnapshotGetXmlDesc = query(
  'domainSnapshotGetXmlDesc',
  186,
  { snap: domainSnapshot, flags },
  { xml: string },
);

/**
 * How many snapshots the flags choose (DomainSnapshotListFlag).
 *
 * @since 0.8.0
 */
export const domainSnapshotNum = query(
  'domainSnapshotNum',
  187,
  { dom: domain, flags },
  { num: i32 },
);

/**
 * The snapshot of that name; code 72 where there is none. No flags are known.
 *
 * @since 0.8.0
 */
export const domainSnapshotLookupByName = query(
  'domainSnapshotLookupByName',
  189,
  { dom: domain, name: string, flags },
  { snap: domainSnapshot },
);

/**
 * Whether one of the domain's snapshots is the current one. No flags are known.
 *
 * @since 0.8.0
 */
export const domainHasCurrentSnapshot = query(
  'domainHasCurrentSnapshot',
  190,
  { dom: domain, flags },
  { result: bool },
);

/**
 * The domain's current snapshot; code 72 where there is none. No flags are known.
 *
 * @since 0.8.0
 */
export const domainSnapshotCurrent = query(
  'domainSnapshotCurrent',
  191,
  { dom: domain, flags },
  { snap: domainSnapshot },
);

/**
 * Puts the domain back to the state of a snapshot; what happened since is lost. Flags:
 * DomainSnapshotRevertFlag; without any it runs, is paused or is off as it was then. QEMU is
 * started anew, so consoles end. External snapshots cannot be gone back to before libvirt 9.9
 * (code 67).
 *
 * @since 0.8.0
 */
export const domainRevertToSnapshot = command(
  'domainRevertToSnapshot',
  192,
  { snap: domainSnapshot, flags },
  {},
);

/**
 * Deletes a snapshot; its content is merged into its children, external ones by a block job that
 * the reply waits for. Flags: DomainSnapshotDeleteFlag. External ones can be deleted since libvirt
 * 9.0 (code 67 before).
 *
 * @since 0.8.0
 */
export const domainSnapshotDelete = command(
  'domainSnapshotDelete',
  193,
  { snap: domainSnapshot, flags },
  {},
);

/**
 * The snapshot which this one was taken after; code 72 for one at the root. No flags are known.
 *
 * @since 0.9.7
 */
export const domainSnapshotGetParent = query(
  'domainSnapshotGetParent',
  244,
  { snap: domainSnapshot, flags },
  { snap: domainSnapshot },
);

/**
 * How many snapshots below this one the flags choose (DomainSnapshotListFlag).
 *
 * @since 0.9.7
 */
export const domainSnapshotNumChildren = query(
  'domainSnapshotNumChildren',
  246,
  { snap: domainSnapshot, flags },
  { num: i32 },
);

/**
 * Whether this is the current snapshot. No flags are known.
 *
 * @since 0.9.13
 */
export const domainSnapshotIsCurrent = query(
  'domainSnapshotIsCurrent',
  271,
  { snap: domainSnapshot, flags },
  { current: bool },
);

/**
 * Whether libvirt keeps records of this snapshot, without which the domain cannot be undefined
 * unless told so (DomainUndefineFlag). No flags are known.
 *
 * @since 0.9.13
 */
export const domainSnapshotHasMetadata = query(
  'domainSnapshotHasMetadata',
  272,
  { snap: domainSnapshot, flags },
  { metadata: bool },
);

/**
 * The domain's snapshots that the flags choose (DomainSnapshotListFlag).
 *
 * @since 0.9.13
 */
export const domainListAllSnapshots = query(
  'domainListAllSnapshots',
  274,
  { dom: domain, needResults: always(1), flags },
  { snapshots: list(domainSnapshot, OBJECTS_MAX), ret: i32 },
);

/**
 * The snapshots below this one that the flags choose (DomainSnapshotListFlag): its children, or with
 * `descendants` theirs as well.
 *
 * @since 0.9.13
 */
export const domainSnapshotListAllChildren = query(
  'domainSnapshotListAllChildren',
  275,
  { snapshot: domainSnapshot, needResults: always(1), flags },
  { snapshots: list(domainSnapshot, OBJECTS_MAX), ret: i32 },
);
