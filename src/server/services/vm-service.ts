import type { Duplex } from 'node:stream';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Page } from '../../api/paging.ts';
import { plain } from '../../api/plain.ts';
import { planViewOf } from '../../api/plan-view.ts';
import { problemView, planView } from '../../api/resources.ts';
import type { PlanView, VmSummary, VmView, WhyView } from '../../api/resources.ts';
import type { VmQuery } from '../../api/vm-query.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { readActual } from '../../host/actual-seat.ts';
import { readDefinitionOrRunning } from '../../host/definition.ts';
import { openConsole } from '../../host/console.ts';
import { isActive } from '../../host/domain-record.ts';
import { destroyDomain, mustRun } from '../../host/domains.ts';
import { understoodDocument } from '../../host/understood-document.ts';
import { readVcpuInfo } from '../../host/vcpu-info.ts';
import { verifySeat } from '../../host/verify.ts';
import type { OperationRecord } from '../../store/operations.ts';
import { boundActorOf, seesLabels } from '../access/caller.ts';
import type { Caller } from '../access/caller.ts';
import { driftIfThere } from '../declare/read-drift.ts';
import type { FoundVm } from '../fleet/fleet.ts';
import type { ConsoleWait } from '../http/console-socket.ts';
import { conflictsOf } from '../fleet/conflicts.ts';
import { createVm } from '../operations/create-vm.ts';
import type { CreateMemory } from '../operations/create-vm.ts';
import type { ActMemory } from '../operations/act-step.ts';
import { mustBeFree } from '../operations/name-check.ts';
import { mustBeRemovable } from '../operations/remove-vm.ts';
import { vmAction } from '../operations/vm-actions.ts';
import type { ServiceContext } from './context.ts';
import { vmViewOf } from './views.ts';
import type { LiveVm } from './views.ts';
import { labelsOf, labelsOfRecord } from './vm-labels.ts';
import { vmPage } from './vm-list.ts';
import { VmRoll } from './vm-roll.ts';

/** Where somebody else takes what the VM has been given, or it what others have. */
function conflictsOfVm({ mirror, record }: FoundVm): NonNullable<VmView['conflicts']> {
  const snapshot = mirror.seenSnapshot([]);
  const all = snapshot === undefined ? [] : conflictsOf(snapshot);
  return plain(all.filter(({ vms }) => vms.includes(record.name)));
}

type Action = 'start' | 'stop' | 'reboot' | 'pause' | 'resume';

/** What the API can be asked to do with VMs, free of HTTP. */
export class VmService {
  readonly #context: ServiceContext;
  readonly #roll: VmRoll;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#roll = new VmRoll(context.fleet);
  }

  /**
   * A page of the domains of every host that the caller may see; asks no host.
   * @throws BERTH_SPEC_INVALID for a cursor of another list
   */
  vms(query: VmQuery, caller: Caller): Page<VmSummary> {
    const sees = (vm: VmSummary): boolean => seesLabels(caller, vm.managed ? vm.labels : undefined);
    return vmPage(this.#roll.inOrder, query, caller.scope === undefined ? () => true : sees);
  }

  /**
   * A text that is another one as soon as a VM's host, state, size, place or document is; the figures
   * of the moment are not in it. @throws BERTH_NOT_FOUND
   */
  version(name: string): string {
    const { mirror, record } = this.#context.fleet.vm(name);
    return JSON.stringify([mirror.name, record]);
  }

  /** As `version`, read from the host: news of what another server has done may be on their way. */
  async versionNow(name: string): Promise<string> {
    const { mirror, record } = this.#context.fleet.vm(name);
    if (mirror.unreachable === undefined) await mirror.refresh(record.uuid);
    return this.version(name);
  }

  async vm(name: string): Promise<VmView> {
    const { mirror, record } = this.#context.fleet.vm(name);
    // Not everything that can be changed by hand comes as an event: look again.
    const now = mirror.unreachable === undefined ? await mirror.refresh(record.uuid) : record;
    const found = now === undefined ? this.#context.fleet.vm(name) : { mirror, record: now };
    const view = vmViewOf(found.record, mirror.name, await this.#live(found));
    const conflicts = conflictsOfVm(found);
    return conflicts.length === 0 ? view : { ...view, conflicts };
  }

  /** @throws BERTH_SPEC_INVALID, BERTH_NOT_FOUND for a host or network that is asked for */
  async plan(document: unknown): Promise<PlanView> {
    const spec = parseVmDocument(document);
    // A document that was checked is one.
    return planViewOf(document as VmDocument, await this.#context.placer.plan(spec));
  }

  /** Why a VM sits there, against the fleet as it is now; or why its last creation was refused. */
  async why(name: string): Promise<WhyView> {
    const found = this.#context.fleet.find(name);
    if (found === undefined) return this.#whyRefused(name);
    const { metadata } = found.record;
    if (metadata === undefined) {
      throw berthError('BERTH_CONFLICT', {
        what: `explain ${name}`,
        why: 'Berth did not place it: it was there before',
        remedy: `see what it takes with: berth host map ${found.mirror.name}`,
      });
    }
    const spec = parseVmDocument(metadata.document);
    const result = await this.#context.placer.plan(spec, found.record.uuid);
    const plan = planViewOf(metadata.document as VmDocument, result);
    const score = plan.placed ? plan : { score: { total: 0, terms: [] } };
    const view = vmViewOf(found.record, found.mirror.name, { vcpuInfo: [] });
    const placement = present(view.placement, 'the placement of a VM with metadata');
    return { vm: name, plan: { ...score, placed: true, vm: name, placement } };
  }

  /** @throws BERTH_SPEC_INVALID, BERTH_EXISTS, BERTH_CONFLICT, BERTH_BUSY */
  async createVm(document: unknown, start: boolean, caller: Caller): Promise<OperationRecord> {
    const { name } = parseVmDocument(document);
    await mustBeFree(this.#context, name);
    const uuid = this.#context.ports.uuid();
    const memory: CreateMemory = { uuid, document, start, ...boundActorOf(caller) };
    const plan = createVm(this.#context, start);
    const subject = { vm: name, uuid, labels: labelsOf(document) };
    return this.#context.runner.begin(plan, subject, memory);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT, BERTH_BUSY, BERTH_HOST_UNREACHABLE */
  async act(name: string, kind: Action, force: boolean): Promise<OperationRecord> {
    const found = this.#readable(name, kind);
    if (kind !== 'start' && kind !== 'stop') mustRun(found.record, kind);
    if (kind === 'start' && found.record.state === 'paused') {
      throw berthError('BERTH_CONFLICT', {
        what: `start ${name}`,
        why: 'it is paused',
        remedy: `let it go on with: berth vm resume ${name}`,
      });
    }
    return this.#begin(found, kind, { force });
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT when it runs and `force` is not given, BERTH_BUSY */
  async removeVm(
    name: string,
    force: boolean,
    options: { readonly foreign?: boolean } = {},
  ): Promise<OperationRecord> {
    const found = this.#readable(name, 'remove');
    const asked = { force, foreign: options.foreign ?? false };
    mustBeRemovable(found.record, asked);
    return this.#begin(found, 'remove', asked);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT, BERTH_BUSY */
  async openConsole(name: string, force: boolean, wait: ConsoleWait): Promise<Duplex> {
    const { mirror, record } = this.#context.fleet.vm(name);
    return openConsole(mirror.link, record, force, wait);
  }

  /** What only the host can tell; one that goes away meanwhile tells nothing. */
  async #live(found: FoundVm): Promise<LiveVm> {
    if (found.mirror.unreachable !== undefined) return { vcpuInfo: [] };
    try {
      return await this.#look(found);
    } catch (error) {
      if (isBerthError(error, 'BERTH_HOST_UNREACHABLE')) return { vcpuInfo: [] };
      throw error;
    }
  }

  async #look({ mirror, record }: FoundVm): Promise<LiveVm> {
    const wait = mirror.wait();
    const pcpus = await mirror.cpuNumbers();
    const vcpus = record.definition.vcpu?.count ?? 1;
    const vcpuInfo = isActive(record.state)
      ? await readVcpuInfo(mirror.link, record.uuid, { vcpus, pcpus }, wait)
      : [];
    if (record.metadata === undefined) {
      const xml = await readDefinitionOrRunning(mirror.link, record.uuid, wait);
      const understood = understoodDocument(xml, record.adopted?.labels);
      return record.damage === undefined ? { vcpuInfo, understood } : { vcpuInfo };
    }
    const actual = await readActual(mirror.link, record, pcpus, wait);
    const verified = verifySeat(record.metadata.placement, actual);
    return { vcpuInfo, verified, drift: await driftIfThere(mirror, record, verified) };
  }

  async #whyRefused(name: string): Promise<WhyView> {
    const last = await this.#context.store.operations.last(name, 'create');
    const problem = problemView.safeParse(last?.error);
    const data = problem.success ? problem.data.data : undefined;
    const explanation = (data as { explanation?: unknown } | undefined)?.explanation;
    const plan = planView.safeParse(explanation);
    if (last === undefined || !plan.success) {
      this.#context.fleet.vm(name);
      throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name, known: [] });
    }
    return { vm: name, decidedAt: last.startedAt, plan: plan.data };
  }

  /** A VM or a foreign domain that can be understood: what cannot is not touched. */
  #readable(name: string, what: string): FoundVm {
    const found = this.#context.fleet.vm(name);
    const { damage } = found.record;
    if (damage === undefined) return found;
    const remedy = 'use the tool that made it, such as virsh';
    throw berthError('BERTH_CONFLICT', { what: `${what} ${name}`, why: damage, remedy });
  }

  async #begin(
    { mirror, record }: FoundVm,
    kind: Action | 'remove',
    asked: Pick<ActMemory, 'force' | 'foreign'>,
  ): Promise<OperationRecord> {
    void mirror.link;
    const { uuid, name, metadata } = record;
    if (asked.force) await this.#cutShutdownShort({ mirror, record });
    const memory: ActMemory = {
      host: mirror.name,
      uuid,
      name,
      ...asked,
      volumes: metadata?.volumes ?? [],
      keepsFiles: metadata === undefined,
    };
    return this.#context.runner.begin(
      vmAction(this.#context, kind),
      { vm: name, uuid, labels: labelsOfRecord(record) },
      memory,
    );
  }

  /** Whoever pulls the plug need not wait for a guest that was asked to shut down and does not. */
  async #cutShutdownShort({ mirror, record }: FoundVm): Promise<void> {
    const working = await this.#context.runner.workingAnywhere(record.name);
    if (working?.kind !== 'stop') return;
    await destroyDomain(mirror.link, record.uuid, mirror.wait());
    await mirror.refresh(record.uuid);
    await working.end();
  }
}
