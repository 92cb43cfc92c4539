import type { Duplex } from 'node:stream';
import { present } from '../base/assert.ts';
import { berthError, isBerthError } from '../base/errors.ts';
import { planViewOf } from '../api/plan-view.ts';
import { problemView, planView } from '../api/resources.ts';
import type {
  HostRemoval,
  HostSummary,
  HostView,
  PlanView,
  VmSummary,
  VmView,
  WhyView,
} from '../api/resources.ts';
import { parseVmDocument } from '../api/vm-spec.ts';
import type { VmDocument } from '../api/vm-spec.ts';
import { readActual } from '../host/actual-seat.ts';
import { openConsole } from '../host/console.ts';
import { isActive } from '../host/domain-record.ts';
import type { DomainRecord } from '../host/domain-record.ts';
import { destroyDomain, mustRun } from '../host/domains.ts';
import { readVcpuInfo } from '../host/vcpu-info.ts';
import { verifySeat } from '../host/verify.ts';
import type { OperationRecord } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import type { ConsoleWait } from './console-socket.ts';
import { createVm } from './create-vm.ts';
import type { CreateMemory } from './create-vm.ts';
import { hostIsUsed } from './fleet.ts';
import type { Fleet, FoundVm } from './fleet.ts';
import type { HostMirror } from './host-mirror.ts';
import type { OperationPlan } from './operation-kind.ts';
import type { OperationRunner, OperationStatus } from './operation-runner.ts';
import { Placer } from './placer.ts';
import type { Ports } from './ports.ts';
import { hostSummaryOf, hostViewOf, vmSummaryOf, vmViewOf } from './views.ts';
import type { LiveVm } from './views.ts';
import { isVmAction, vmAction } from './vm-actions.ts';
import type { ActMemory } from './vm-actions.ts';

type Action = 'start' | 'stop' | 'reboot' | 'pause' | 'resume';

/** Everything the API can be asked to do, free of HTTP. */
export class FleetService {
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #runner: OperationRunner;
  readonly #placer: Placer;
  readonly #ports: Ports;

  constructor(fleet: Fleet, store: Store, runner: OperationRunner, ports: Ports) {
    this.#fleet = fleet;
    this.#store = store;
    this.#runner = runner;
    this.#ports = ports;
    this.#placer = new Placer(fleet, store, ports.now);
  }

  async hosts(): Promise<readonly HostSummary[]> {
    return Promise.all(this.#fleet.mirrors.map(async ({ name }) => this.#hostSummary(name)));
  }

  async addHost({ name, uri }: { name: string; uri: string }): Promise<HostSummary> {
    await this.#fleet.add(name, uri);
    return this.#hostSummary(name);
  }

  /**
   * Forgets a host, reachable or not. Nothing on the host itself is touched: its domains stay.
   * @param force even while operations work on it, which fail by that, and with VMs of Berth's on it
   * @throws BERTH_NOT_FOUND, BERTH_BUSY while an operation works on it, BERTH_CONFLICT with VMs
   */
  async removeHost(name: string, force: boolean): Promise<HostRemoval> {
    const refuse = (mirror: HostMirror): void => {
      if (!force) this.#mustBeUnused(mirror);
    };
    const { uri, records } = await this.#fleet.remove(name, refuse, { force });
    return { name, uri, vms: namesOf(records) };
  }

  /** @throws BERTH_NOT_FOUND, and BERTH_HOST_UNREACHABLE for a host that was never seen */
  async host(name: string): Promise<HostView> {
    const mirror = this.#fleet.host(name);
    const claims = await this.#fleet.claimedSeats();
    return hostViewOf(await mirror.lastSnapshot(claims(name)), vmsOf(mirror));
  }

  /** Every domain of every host; no call to any host, whatever their number. */
  async vms(): Promise<readonly VmSummary[]> {
    return this.#fleet.mirrors.flatMap(vmsOf);
  }

  async vm(name: string): Promise<VmView> {
    const { mirror, record } = this.#fleet.vm(name);
    // Not everything that can be changed by hand comes as an event: look again.
    const now = mirror.unreachable === undefined ? await mirror.refresh(record.uuid) : record;
    const found = now === undefined ? this.#fleet.vm(name) : { mirror, record: now };
    return vmViewOf(found.record, mirror.name, await this.#live(found));
  }

  /** @throws BERTH_SPEC_INVALID, BERTH_NOT_FOUND for a host or network that is asked for */
  async plan(document: unknown): Promise<PlanView> {
    const spec = parseVmDocument(document);
    // A document that was checked is one.
    return planViewOf(document as VmDocument, await this.#placer.plan(spec));
  }

  /** Why a VM sits there, against the fleet as it is now; or why its last creation was refused. */
  async why(name: string): Promise<WhyView> {
    const found = this.#fleet.find(name);
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
    const result = await this.#placer.plan(spec, found.record.uuid);
    const plan = planViewOf(metadata.document as VmDocument, result);
    const score = plan.placed ? plan : { score: { total: 0, terms: [] } };
    const view = vmViewOf(found.record, found.mirror.name, { vcpuInfo: [] });
    const placement = present(view.placement, 'the placement of a VM with metadata');
    return { vm: name, plan: { ...score, placed: true, vm: name, placement } };
  }

  /** @throws BERTH_SPEC_INVALID, BERTH_EXISTS, BERTH_BUSY */
  async createVm(document: unknown, start: boolean): Promise<OperationRecord> {
    const { name } = parseVmDocument(document);
    const there = this.#fleet.find(name);
    if (there !== undefined) {
      const where = `on host ${there.mirror.name}`;
      throw berthError('BERTH_EXISTS', { kind: 'VM', name, where });
    }
    const memory: CreateMemory = { uuid: this.#ports.uuid(), document, start };
    const plan = createVm(this.#createContext(), start);
    return this.#runner.begin(plan, { vm: name, uuid: memory.uuid }, memory);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT, BERTH_BUSY, BERTH_HOST_UNREACHABLE */
  async act(name: string, kind: Action, force: boolean): Promise<OperationRecord> {
    const found = this.#managed(name, kind);
    if (kind !== 'start' && kind !== 'stop') mustRun(found.record, kind);
    if (kind === 'start' && found.record.state === 'paused') {
      throw berthError('BERTH_CONFLICT', {
        what: `start ${name}`,
        why: 'it is paused',
        remedy: `let it go on with: berth vm resume ${name}`,
      });
    }
    return this.#begin(found, kind, force);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT when it runs and `force` is not given, BERTH_BUSY */
  async removeVm(name: string, force: boolean): Promise<OperationRecord> {
    const found = this.#managed(name, 'remove');
    if (isActive(found.record.state) && !force) {
      throw berthError('BERTH_CONFLICT', {
        what: `remove ${name}`,
        why: `it is ${found.record.state}`,
        remedy: `stop it first, or end and remove it with: berth vm rm ${name} --force`,
      });
    }
    return this.#begin(found, 'remove', true);
  }

  /** Newest first, without those whose kind only another version of Berth knows. */
  async operations(): Promise<readonly OperationStatus[]> {
    const operations = await this.#runner.list();
    return operations.filter(({ record }) => record.kind === 'create' || isVmAction(record.kind));
  }

  async operation(
    id: string,
    wait?: { readonly after: number; readonly waitMs: number },
  ): Promise<OperationStatus> {
    return this.#runner.get(id, wait);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT, BERTH_BUSY */
  async openConsole(name: string, force: boolean, wait: ConsoleWait): Promise<Duplex> {
    const { mirror, record } = this.#fleet.vm(name);
    return openConsole(mirror.link, record, force, wait);
  }

  /**
   * Goes on with what a crash interrupted, each operation as soon as its host answers. A claim that
   * no operation works on any more is given back: nobody else would.
   */
  async resume(): Promise<void> {
    const claims = await this.#store.claims.list();
    const unfinished = await this.#store.operations.unfinished();
    const working = new Set(unfinished.map((record) => record.vmUuid));
    for (const claim of claims.filter(({ uuid }) => !working.has(uuid))) {
      this.#ports.log.warn({ vm: claim.vm, uuid: claim.uuid }, 'a claim was left behind');
      await this.#store.claims.release(claim.uuid);
    }
    for (const record of unfinished) await this.#resume(record);
  }

  async #resume(record: OperationRecord): Promise<void> {
    const ready = this.#fleet.reachable(record.host);
    const { kind } = record;
    if (kind === 'create') {
      // The journal keeps what `createVm` put there.
      const { start } = record.memory as CreateMemory;
      const plan = createVm(this.#createContext(), start);
      if (sameSteps(plan, record)) return this.#runner.resume(plan, record, ready);
    } else if (isVmAction(kind)) {
      const plan = vmAction(this.#fleet, kind);
      if (sameSteps(plan, record)) return this.#runner.resume(plan, record, ready);
    }
    return this.#runner.giveUp(record, 'another version of Berth began it, in steps of its own');
  }

  #mustBeUnused({ name, records }: HostMirror): void {
    const working = this.#runner.workingOn(name);
    if (working !== undefined) {
      const holder = `operation ${working.id} (${working.kind} ${working.vm}) is running`;
      throw berthError('BERTH_BUSY', { what: `host ${name}`, holder });
    }
    const own = records.filter(({ metadata }) => metadata !== undefined);
    if (own.length > 0) throw hostIsUsed(name, 'VMs of Berth’s are there', namesOf(own));
  }

  async #hostSummary(name: string): Promise<HostSummary> {
    const mirror = this.#fleet.host(name);
    try {
      const snapshot = await mirror.lastSnapshot([]);
      return hostSummaryOf(snapshot, mirror.records.length, mirror.unreachable);
    } catch (error) {
      if (!isBerthError(error)) throw error;
      const { uri, unreachable: reason = error.message } = mirror;
      const nothing = { cells: 0, cpus: 0, memoryBytes: 0, freeBytes: 0, vms: 0, domainTypes: [] };
      return { name, uri, state: 'unreachable', reason, ...nothing };
    }
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
    if (record.metadata === undefined) return { vcpuInfo };
    const actual = await readActual(mirror.link, record, pcpus, wait);
    return { vcpuInfo, verified: verifySeat(record.metadata.placement, actual) };
  }

  async #whyRefused(name: string): Promise<WhyView> {
    const last = await this.#store.operations.last(name, 'create');
    const problem = problemView.safeParse(last?.error);
    const data = problem.success ? problem.data.data : undefined;
    const explanation = (data as { explanation?: unknown } | undefined)?.explanation;
    const plan = planView.safeParse(explanation);
    if (last === undefined || !plan.success) {
      this.#fleet.vm(name);
      throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name, known: [] });
    }
    return { vm: name, decidedAt: last.startedAt, plan: plan.data };
  }

  /** A VM that Berth made; a foreign one is not touched. */
  #managed(name: string, what: string): FoundVm {
    const found = this.#fleet.vm(name);
    if (found.record.metadata !== undefined) return found;
    throw berthError('BERTH_CONFLICT', {
      what: `${what} ${name}`,
      why:
        found.record.damage ?? 'it is not one of Berth’s: it was there before and is only watched',
      remedy: 'use the tool that made it, such as virsh',
    });
  }

  async #begin(
    { mirror, record }: FoundVm,
    kind: Exclude<Action | 'remove', 'create'>,
    force: boolean,
  ): Promise<OperationRecord> {
    void mirror.link;
    const { uuid, name, metadata } = record;
    if (force) await this.#cutShutdownShort({ mirror, record });
    const memory: ActMemory = {
      host: mirror.name,
      uuid,
      name,
      force,
      volumes: metadata?.volumes ?? [],
    };
    return this.#runner.begin(vmAction(this.#fleet, kind), { vm: name, uuid }, memory);
  }

  /** Whoever pulls the plug need not wait for a guest that was asked to shut down and does not. */
  async #cutShutdownShort({ mirror, record }: FoundVm): Promise<void> {
    const working = this.#runner.working(record.name);
    if (working?.kind !== 'stop') return;
    await destroyDomain(mirror.link, record.uuid, mirror.wait());
    await mirror.refresh(record.uuid);
    await working.ended;
  }

  #createContext() {
    return { fleet: this.#fleet, store: this.#store, placer: this.#placer };
  }
}

function vmsOf(mirror: HostMirror): readonly VmSummary[] {
  const vms = mirror.records.map((record) => vmSummaryOf(record, mirror.name));
  return vms.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function namesOf(records: readonly DomainRecord[]): string[] {
  return records.map((record) => record.name).toSorted();
}

/** A journal counts steps: those of another version may be others. */
function sameSteps<M>(plan: OperationPlan<M>, record: OperationRecord): boolean {
  const names = plan.steps.map((step) => step.name);
  return names.join('\n') === record.steps.join('\n');
}
