import { berthError, isBerthError } from '../../base/errors.ts';
import type { DriftView, VmChange } from '../../api/change.ts';
import type { FleetDriftView, FleetPlanView } from '../../api/declare.ts';
import type { SpecEntry } from '../../api/spec-file.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { isActive } from '../../host/domain-record.ts';
import { boundActorOf } from '../access/caller.ts';
import type { Caller } from '../access/caller.ts';
import { needsRestart } from '../../host/drift.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { LabelSelector } from '../../model/label-selector.ts';
import type { OperationRecord } from '../../store/operations.ts';
import { planFleet } from '../declare/plan-fleet.ts';
import { driftIfThere, driftOfFleet } from '../declare/read-drift.ts';
import { updateOf } from '../declare/update-of.ts';
import type { FoundVm } from '../fleet/fleet.ts';
import { adoptVm } from '../operations/adopt-vm.ts';
import type { AdoptMemory } from '../operations/adopt-vm.ts';
import { updateVm } from '../operations/update-vm.ts';
import type { UpdateMemory } from '../operations/update-vm.ts';
import type { ServiceContext } from './context.ts';
import { labelsOfRecord } from './vm-labels.ts';

/** How a change may go about a guest that runs. */
export interface UpdateOptions {
  /** Stop the guest where the change needs that, and start it again. */
  readonly restart: boolean;
  /** Pull the plug instead of asking the guest. */
  readonly force: boolean;
  readonly caller: Caller;
}

/** Documents that were not checked yet, and what else may stay. */
export interface PlanWish {
  readonly documents: readonly unknown[];
  readonly prune?: LabelSelector | undefined;
}

/** VMs as documents say they should be: what would change, changing it, and what has drifted. */
export class DeclareService {
  readonly #context: ServiceContext;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /**
   * What would become of the fleet by documents. Claims nothing, changes nothing.
   * @throws BERTH_SPEC_INVALID, BERTH_NOT_FOUND for a host that is asked for
   */
  async plan({ documents, prune }: PlanWish): Promise<FleetPlanView> {
    const { fleet, ports } = this.#context;
    const entries = documents.map((document, index) => entryOf(document, `documents[${index}]`));
    return planFleet(
      { fleet, now: ports.now() },
      { entries, ...(prune === undefined ? {} : { prune }) },
    );
  }

  /**
   * How a VM differs from its document; nothing while its host is away, and of foreign domains.
   * @throws BERTH_NOT_FOUND
   */
  async drift(name: string): Promise<readonly DriftView[]> {
    const { mirror, record } = this.#context.fleet.vm(name);
    return mirror.unreachable === undefined ? driftIfThere(mirror, record) : [];
  }

  /** How every VM of Berth's differs from its document, where it does and its host answers. */
  async fleetDrift(): Promise<FleetDriftView> {
    return { vms: [...(await driftOfFleet(this.#context.fleet))] };
  }

  /**
   * Begins to make a VM as a document says.
   * @throws BERTH_SPEC_INVALID, BERTH_NOT_FOUND, BERTH_BUSY, BERTH_HOST_UNREACHABLE; BERTH_CONFLICT
   * for what cannot be changed, or not while the guest runs and `restart` is not given
   */
  async update(
    name: string,
    document: unknown,
    { restart, force, caller }: UpdateOptions,
  ): Promise<OperationRecord> {
    const spec = parseVmDocument(document);
    const found = await this.#fresh(name);
    const { record, mirror } = found;
    if (spec.name !== record.name) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: 'metadata.name',
        problem: `it is ${spec.name}, and the VM is ${record.name}`,
        expected: 'the name of the VM: names do not change',
      });
    }
    const update = updateOf(found, spec);
    if (!update.isPossible) {
      const { why, remedy } = update;
      throw berthError('BERTH_CONFLICT', { what: `change ${name}`, why, remedy });
    }
    const drift = isActive(record.state) ? await this.drift(name) : [];
    const isRestarted =
      restart && isActive(record.state) && (update.cost !== 'live' || drift.some(needsRestart));
    if (update.cost === 'restart' && !isRestarted) throw restartNeeded(name, update.changes);
    const memory: UpdateMemory = {
      host: mirror.name,
      uuid: record.uuid,
      name: record.name,
      force,
      // A document that was checked is one.
      document: document as VmDocument,
      before: update.metadata,
      restart: isRestarted,
      hasDiskWork: update.hasDiskWork,
      ...boundActorOf(caller),
    };
    const { fleet, store, ports, runner } = this.#context;
    const plan = updateVm({ fleet, store, now: ports.now }, memory);
    return runner.begin(
      plan,
      { vm: record.name, uuid: record.uuid, labels: labelsOfRecord(record) },
      memory,
    );
  }

  /**
   * Begins to give a VM other labels; undefined takes one away.
   * @throws as `update`
   */
  async label(
    name: string,
    labels: Readonly<Record<string, string | null>>,
    caller: Caller,
  ): Promise<OperationRecord> {
    const found = await this.#fresh(name);
    const { metadata, damage } = found.record;
    if (metadata === undefined && damage === undefined) return this.#adopt(found, labels);
    // What cannot be read is told by `update`.
    const now = metadata === undefined ? undefined : configMetadata(metadata).document;
    const document = now as VmDocument | undefined;
    const kept = keptLabels({ ...document?.metadata.labels, ...labels });
    const changed = { ...document, metadata: { ...document?.metadata, labels: kept } };
    return this.update(name, changed, { restart: false, force: false, caller });
  }

  /**
   * Begins to take in a domain that Berth did not make. From then on it is managed: its place is what
   * its XML says, and nothing of that changes.
   * @throws BERTH_NOT_FOUND, BERTH_BUSY, BERTH_HOST_UNREACHABLE; BERTH_CONFLICT for a VM of Berth's,
   * and for a domain that cannot be understood
   */
  async adopt(
    name: string,
    labels: Readonly<Record<string, string | null>>,
  ): Promise<OperationRecord> {
    const found = await this.#fresh(name);
    const { metadata, damage } = found.record;
    if (metadata === undefined && damage === undefined) return this.#adopt(found, labels);
    throw berthError('BERTH_CONFLICT', {
      what: `adopt ${name}`,
      why: damage ?? 'Berth made it',
      remedy:
        damage === undefined
          ? `change its labels with: berth vm label ${name} KEY=VALUE`
          : 'mend or remove its <metadata> with virsh edit',
    });
  }

  async #adopt(
    { mirror, record }: FoundVm,
    labels: Readonly<Record<string, string | null>>,
  ): Promise<OperationRecord> {
    const { uuid, name: vm, adopted } = record;
    const memory: AdoptMemory = {
      host: mirror.name,
      uuid,
      labels: keptLabels({ ...adopted?.labels, ...labels }),
      ...(adopted === undefined ? {} : { before: adopted }),
    };
    const { fleet, runner } = this.#context;
    return runner.begin(adoptVm(fleet), { vm, uuid, labels: memory.labels }, memory);
  }

  /** The VM as it is now. @throws BERTH_NOT_FOUND, BERTH_HOST_UNREACHABLE */
  async #fresh(name: string): Promise<FoundVm> {
    const { mirror, record } = this.#context.fleet.vm(name);
    void mirror.link;
    const now = await mirror.refresh(record.uuid);
    return now === undefined ? this.#context.fleet.vm(name) : { mirror, record: now };
  }
}

/** @throws BERTH_SPEC_INVALID that says which of the documents */
function entryOf(document: unknown, where: string): SpecEntry {
  try {
    // A document that was checked is one.
    return { spec: parseVmDocument(document), document: document as VmDocument };
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    throw berthError('BERTH_SPEC_INVALID', {
      ...error.data,
      where: `${where}.${error.data.where}`,
    });
  }
}

function keptLabels(
  labels: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(labels).filter((pair): pair is [string, string] => pair[1] !== null);
  return Object.fromEntries(kept);
}

function restartNeeded(name: string, changes: readonly VmChange[]): Error {
  const [first] = changes.filter(({ cost }) => cost === 'restart');
  const why = first?.why === undefined ? '' : `: ${first.why}`;
  return berthError('BERTH_CONFLICT', {
    what: `change ${name}`,
    why: `${first?.path ?? 'it'} cannot change while its guest runs${why}`,
    remedy: 'allow the guest to be stopped and started with --restart, or stop it first',
  });
}
