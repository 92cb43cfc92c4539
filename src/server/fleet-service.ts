import type { Duplex } from 'node:stream';
import { berthError } from '../base/errors.ts';
import { problemView, planView } from '../api/resources.ts';
import type {
  HostSummary,
  HostView,
  PlanView,
  VmSummary,
  VmView,
  WhyView,
} from '../api/resources.ts';
import { parseVmDocument } from '../api/vm-spec.ts';
import { readActualSeats } from '../host/actual-seat.ts';
import { openConsole } from '../host/console.ts';
import { isActive } from '../host/domain-record.ts';
import { mustRun } from '../host/domains.ts';
import { readVcpuInfo } from '../host/vcpu-info.ts';
import { verifySeat } from '../host/verify.ts';
import { cpuNumbers } from '../model/topology.ts';
import type { OperationRecord } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import type { ConsoleWait } from './console-socket.ts';
import { createVm } from './create-vm.ts';
import type { CreateMemory } from './create-vm.ts';
import type { Fleet, FoundVm } from './fleet.ts';
import type { OperationRunner } from './operation-runner.ts';
import { Placer } from './placer.ts';
import type { Ports } from './ports.ts';
import { hostSummaryOf, hostViewOf, planViewOf, vmSummaryOf, vmViewOf } from './views.ts';
import type { LiveVm } from './views.ts';
import { vmAction } from './vm-actions.ts';
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
    this.#placer = new Placer(fleet, store);
  }

  async hosts(): Promise<readonly HostSummary[]> {
    return Promise.all(this.#fleet.mirrors.map(async ({ name }) => this.#hostSummary(name)));
  }

  async addHost({ name, uri }: { name: string; uri: string }): Promise<HostSummary> {
    await this.#fleet.add(name, uri);
    return this.#hostSummary(name);
  }

  /** @throws BERTH_NOT_FOUND, and BERTH_HOST_UNREACHABLE for a host that was never seen */
  async host(name: string): Promise<HostView> {
    const mirror = this.#fleet.host(name);
    const claims = await this.#fleet.claimedSeats();
    const snapshot = await mirror.lastSnapshot(claims(name));
    const vms = mirror.records.map((record) => vmSummaryOf(record, name));
    return hostViewOf(snapshot ?? (await mirror.snapshot([])), vms);
  }

  /** Every domain of every host; no call to any host, whatever their number. */
  async vms(): Promise<readonly VmSummary[]> {
    return this.#fleet.mirrors.flatMap((mirror) =>
      mirror.records.map((record) => vmSummaryOf(record, mirror.name)),
    );
  }

  async vm(name: string): Promise<VmView> {
    const found = this.#fleet.vm(name);
    return vmViewOf(found.record, found.mirror.name, await this.#live(found));
  }

  /** @throws BERTH_SPEC_INVALID, BERTH_NOT_FOUND for a host or network that is asked for */
  async plan(document: unknown): Promise<PlanView> {
    const spec = parseVmDocument(document);
    return planViewOf(spec.name, await this.#placer.plan(spec));
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
    const plan = planViewOf(name, await this.#placer.plan(spec, found.record.uuid));
    const score = plan.placed ? plan : { score: { total: 0, terms: [] } };
    const { placement } = vmViewOf(found.record, found.mirror.name, { vcpuInfo: [] });
    if (placement === undefined) throw new Error('a VM with metadata has a placement');
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

  async operations(): Promise<readonly OperationRecord[]> {
    return this.#store.operations.list();
  }

  async operation(
    id: string,
    wait?: { readonly after: number; readonly waitMs: number },
  ): Promise<OperationRecord> {
    return this.#runner.get(id, wait);
  }

  /** @throws BERTH_NOT_FOUND, BERTH_CONFLICT, BERTH_BUSY */
  async openConsole(name: string, force: boolean, wait: ConsoleWait): Promise<Duplex> {
    const { mirror, record } = this.#fleet.vm(name);
    return openConsole(mirror.link, record, force, wait);
  }

  /** Goes on with what a crash interrupted, each operation as soon as its host answers. */
  async resume(): Promise<void> {
    for (const record of await this.#store.operations.unfinished()) {
      const ready =
        record.host === undefined ? undefined : this.#fleet.host(record.host).connected();
      if (record.kind === 'create') {
        const { start } = record.memory as CreateMemory;
        this.#runner.resume(createVm(this.#createContext(), start), record, ready);
      } else {
        // Kinds in the journal are those that plans of this program have.
        const kind = record.kind as Exclude<Action | 'remove', 'create'>;
        this.#runner.resume(vmAction(this.#fleet, kind), record, ready);
      }
    }
  }

  async #hostSummary(name: string): Promise<HostSummary> {
    const mirror = this.#fleet.host(name);
    const snapshot = await mirror.lastSnapshot([]);
    if (snapshot !== undefined) {
      return hostSummaryOf(snapshot, mirror.records.length, mirror.unreachable);
    }
    const { uri, unreachable: reason = '' } = mirror;
    const nothing = { cells: 0, cpus: 0, memoryBytes: 0, freeBytes: 0, vms: 0, domainTypes: [] };
    return { name, uri, state: 'unreachable', reason, ...nothing };
  }

  /** What only the host can tell; an unreachable one tells nothing. */
  async #live({ mirror, record }: FoundVm): Promise<LiveVm> {
    if (mirror.unreachable !== undefined) return { vcpuInfo: [] };
    const wait = mirror.wait();
    const { topology } = await mirror.snapshot([]);
    const pcpus = cpuNumbers(topology);
    const vcpus = record.definition.vcpu?.count ?? 1;
    const vcpuInfo = isActive(record.state)
      ? await readVcpuInfo(mirror.link, record.uuid, { vcpus, pcpus }, wait)
      : [];
    if (record.metadata === undefined) return { vcpuInfo };
    const seats = await readActualSeats(mirror.link, record, pcpus, wait);
    return { vcpuInfo, verified: verifySeat(record.metadata.placement, seats) };
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
    const memory: ActMemory = {
      host: mirror.name,
      uuid,
      name,
      force,
      volumes: metadata?.volumes ?? [],
    };
    return this.#runner.begin(vmAction(this.#fleet, kind), { vm: name, uuid }, memory);
  }

  #createContext() {
    return { fleet: this.#fleet, store: this.#store, placer: this.#placer };
  }
}
