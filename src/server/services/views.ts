import { plain } from '../../api/plain.ts';
import { problemView } from '../../api/resources.ts';
import type {
  HostSummary,
  HostView,
  OperationView,
  VmSummary,
  VmView,
} from '../../api/resources.ts';
import { configMetadata } from '../../host/metadata.ts';
import type { VmMetadata } from '../../host/metadata.ts';
import type { Understood } from '../../host/understood-document.ts';
import type { DriftView } from '../../api/change.ts';
import { changesOf } from '../declare/changes-of.ts';
import { specIn } from '../declare/update-of.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import type { VcpuInfo } from '../../host/vcpu-info.ts';
import type { Verified } from '../../host/verify.ts';
import type { HostSnapshot } from '../../model/host.ts';
import { conflictsOf } from '../fleet/conflicts.ts';
import type { HostMirror } from '../fleet/host-mirror.ts';
import type { OperationStatus } from '../operations/operation-runner.ts';
import { labelsOfRecord } from './vm-labels.ts';
import type { OperationState } from '../../store/operations.ts';

/** Turning what the server knows into what the API answers. Pure. */

export function vmSummaryOf(record: DomainRecord, host: string): VmSummary {
  const { definition, metadata, adopted } = record;
  return {
    name: record.name,
    uuid: record.uuid,
    state: record.state,
    host,
    managed: metadata !== undefined || adopted !== undefined,
    ...(adopted === undefined ? {} : { adopted: true }),
    vcpus: definition.vcpu?.current ?? definition.vcpu?.count ?? 1,
    memoryBytes: definition.memoryBytes ?? 0,
    ...(metadata === undefined ? {} : { policy: metadata.placement.policy }),
    cells: [...(metadata?.placement.cells ?? [])],
    labels: { ...labelsOfRecord(record) },
  };
}

/** The domains of a host as last seen, by name. */
export function vmsOf(mirror: HostMirror): readonly VmSummary[] {
  const vms = mirror.records.map((record) => vmSummaryOf(record, mirror.name));
  return vms.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is looked up only when one VM is shown. */
export interface LiveVm {
  readonly verified?: Verified;
  readonly vcpuInfo: readonly VcpuInfo[];
  readonly drift?: readonly DriftView[];
  /** Of a domain that Berth did not make: as a document would say it. */
  readonly understood?: Understood;
}

export function vmViewOf(record: DomainRecord, host: string, live: LiveVm): VmView {
  const { metadata } = record;
  return {
    ...vmSummaryOf(record, host),
    accelerator: record.definition.type ?? 'unknown',
    ...(metadata === undefined
      ? {}
      : {
          placement: { ...plain(metadata.placement), host },
          spec: configMetadata(metadata).document,
        }),
    ...pendingOf(metadata),
    ...(live.understood === undefined
      ? {}
      : { spec: live.understood.document, beyondSpec: [...live.understood.unknown] }),
    ...(live.drift === undefined ? {} : { drift: [...live.drift] }),
    ...(live.verified === undefined ? {} : { verified: plain(live.verified) }),
    vcpuInfo: plain(live.vcpuInfo),
  };
}

/** What a guest that runs gets at its next start. */
function pendingOf(metadata: VmMetadata | undefined): Pick<VmView, 'pending'> {
  if (metadata?.next === undefined) return {};
  const [now, next] = [specIn(metadata.document), specIn(metadata.next.document)];
  const pending = now === undefined || next === undefined ? [] : changesOf(now, next, true);
  return pending.length === 0 ? {} : { pending: [...pending] };
}

/** How a host stands, and what an administrator says of it. */
export function hostStandingOf({ state, profile }: HostMirror) {
  const { phase, ...rest } = state;
  const { labels, settings } = profile;
  return {
    state: phase,
    ...rest,
    labels: { ...labels },
    schedulable: settings.schedulable !== false,
  };
}

export function hostSummaryOf(
  snapshot: Omit<HostSnapshot, 'seats'>,
  mirror: HostMirror,
): HostSummary {
  const { cells } = snapshot.topology;
  const sum = (of: (cell: (typeof cells)[number]) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0);
  return {
    name: snapshot.name,
    uri: snapshot.uri,
    ...hostStandingOf(mirror),
    cells: cells.length,
    cpus: sum((cell) => cell.cpus.filter((cpu) => cpu.online).length),
    memoryBytes: sum((cell) => cell.memoryBytes),
    freeBytes: sum((cell) => cell.freeBytes),
    vms: mirror.size,
    domainTypes: [...snapshot.domainTypes],
    cpuRatio: snapshot.policy.cpuRatio,
    ramRatio: snapshot.policy.ramRatio,
  };
}

export function hostViewOf(
  snapshot: HostSnapshot,
  mirror: HostMirror,
  vms: readonly VmSummary[],
): HostView {
  const { closed: _, ...seen } = plain(snapshot);
  return {
    ...seen,
    ...hostStandingOf(mirror),
    vms: [...vms],
    conflicts: plain(conflictsOf(snapshot)),
  };
}

export function operationViewOf({ record }: OperationStatus): OperationView {
  const error = problemView.safeParse(record.error);
  return {
    id: record.id,
    // The journal holds only kinds that plans of this program have.
    kind: record.kind as OperationView['kind'],
    vm: record.vm,
    ...(record.host === undefined ? {} : { host: record.host }),
    state: stateViewOf(record.state),
    steps: [...record.steps],
    done: record.done,
    revision: record.revision,
    startedAt: record.startedAt,
    ...(record.endedAt === undefined ? {} : { endedAt: record.endedAt }),
    ...(error.success ? { error: error.data } : {}),
    ...(record.waitsFor === undefined ? {} : { waitsFor: record.waitsFor }),
    ...(record.progress === undefined ? {} : { progress: record.progress }),
    ...(record.actor === undefined ? {} : { actor: record.actor }),
    ...(record.cancelAt === undefined ? {} : { cancelAt: record.cancelAt }),
    ...leftOverOf(record.memory),
  };
}

/** What is being taken back still runs, as far as anybody but the journal is concerned. */
export function stateViewOf(state: OperationState): OperationView['state'] {
  return state === 'undoing' ? 'running' : state;
}

function leftOverOf(memory: unknown): { leftOver?: string[] } {
  const leftOver = (memory as { leftOver?: unknown } | null)?.leftOver;
  return Array.isArray(leftOver) ? { leftOver: leftOver.map(String) } : {};
}
