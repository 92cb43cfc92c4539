import { isBerthError } from '../../base/errors.ts';
import { CHANGE_COSTS } from '../../api/change.ts';
import type { ChangeCost, VmChange } from '../../api/change.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import { isActive } from '../../host/domain-record.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import type { VmSpec } from '../../model/vm-spec.ts';
import type { FoundVm } from '../fleet/fleet.ts';
import { changesOf, changesOverPending } from './changes-of.ts';
import { whyNotThere } from './seat-claim.ts';

/** What making a VM as a spec says would take, or why it cannot be done. */
export type Update = PossibleUpdate | BlockedUpdate;

interface PossibleUpdate {
  readonly isPossible: true;
  /** Against what the guest is now, and what its definition says already. */
  readonly changes: readonly VmChange[];
  /** Against its definition: empty when only the next start is missing. */
  readonly undefinedYet: readonly VmChange[];
  /** The dearest of the changes. */
  readonly cost: ChangeCost;
  /** A disk grows, or goes. */
  readonly hasDiskWork: boolean;
  /** What the domain says of itself. */
  readonly metadata: VmMetadata;
  /** The spec that its definition was made from. */
  readonly defined: VmSpec;
}

interface BlockedUpdate {
  readonly isPossible: false;
  readonly changes: readonly VmChange[];
  readonly why: string;
  readonly remedy: string;
}

/** Compares a VM with a spec of its name. */
export function updateOf({ mirror, record }: FoundVm, spec: VmSpec): Update {
  const { metadata, damage } = record;
  if (metadata === undefined) {
    const why = damage ?? 'it is not one of Berth’s: it was there before';
    const remedy = 'give the VM of the document another name, or change this one with virsh';
    return { isPossible: false, changes: [], why, remedy };
  }
  const [now, defined] = [specIn(metadata.document), specIn(configMetadata(metadata).document)];
  if (now === undefined || defined === undefined) {
    const why = 'the document in its metadata is damaged, so that nobody knows what changes';
    const remedy = `remove it with: berth vm rm ${spec.name}`;
    return { isPossible: false, changes: [], why, remedy };
  }
  const running = isActive(record.state);
  const undefinedYet = changesOf(defined, spec, running);
  const changes = changesOverPending(changesOf(now, spec, running), undefinedYet);
  const all = [...changes, ...undefinedYet];
  const anew = all.find(({ cost }) => cost === 'recreate');
  if (anew !== undefined) {
    const why = `${anew.path} cannot change${anew.why === undefined ? '' : `: ${anew.why}`}`;
    const remedy = `save what it holds, remove it with berth vm rm ${spec.name}, and apply again`;
    return { isPossible: false, changes, why, remedy };
  }
  const why = whyNotThere(spec, mirror.name);
  if (why !== undefined) {
    const remedy = `allow ${mirror.name} in spec.placement.hosts, or make the VM anew`;
    return { isPossible: false, changes, why, remedy };
  }
  const hasDiskWork = changesOf(defined, spec, true).some(({ cost }) => cost === 'restart');
  return {
    isPossible: true,
    changes,
    undefinedYet,
    cost: dearest(all),
    hasDiskWork,
    metadata,
    defined,
  };
}

/** The dearest cost of changes; `live` of none. */
export function dearest(changes: readonly VmChange[]): ChangeCost {
  const ranks = changes.map(({ cost }) => CHANGE_COSTS.indexOf(cost));
  return CHANGE_COSTS[Math.max(0, ...ranks)] ?? 'live';
}

/** The spec of a document that anybody may have changed; undefined where it is none. */
export function specIn(document: unknown): VmSpec | undefined {
  try {
    return parseVmDocument(document);
  } catch (error) {
    if (isBerthError(error, 'BERTH_SPEC_INVALID')) return undefined;
    throw error;
  }
}
