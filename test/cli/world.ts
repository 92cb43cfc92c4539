import { berthError } from '../../src/base/errors.ts';
import type { DriftView } from '../../src/api/change.ts';
import type { VmPlanView } from '../../src/api/declare.ts';
import type {
  HostSummary,
  HostView,
  OperationView,
  PlanView,
  VmView,
} from '../../src/api/resources.ts';
import type { Route } from './api-server.ts';
import { summary, workstation } from './hosts.ts';
import { NOW } from './run-line.ts';
import { usageRoutes } from './top-world.ts';

const GIB = 1024 ** 3;
const SCORE = {
  total: 0.81,
  terms: [
    { name: 'fewest-cells', value: 1, weight: 4 },
    { name: 'memory-fit', value: 0.25, weight: 1 },
  ],
};

/** The placement of db1 on the workstation. */
export function placement(): Extract<PlanView, { placed: true }>['placement'] {
  return {
    host: 'kvm1',
    policy: 'dedicated',
    cells: [0],
    vcpus: [1, 9, 2, 10].map((pcpu, vcpu) => ({ vcpu, pcpus: [pcpu] })),
    emulator: [1, 2, 9, 10],
    blocked: [],
    memory: [{ cell: 0, bytes: 16 * GIB, pageKiB: 2048 }],
    memoryMode: 'strict',
    guestCells: [],
    guestTopology: { sockets: 1, dies: 1, cores: 2, threads: 2 },
    overheadBytes: 512 * 1024 ** 2,
    reasons: ['one cell holds all 4 vCPUs and the memory', 'whole cores: no sibling is shared'],
  };
}

/** A plan that fits, with a runner-up. */
export function placedPlan(vm: string): PlanView {
  const other = { ...SCORE, total: 0.64, terms: [{ name: 'fewest-cells', value: 0.5, weight: 4 }] };
  return {
    placed: true,
    vm,
    placement: placement(),
    score: SCORE,
    runnerUp: { host: 'kvm2', score: other },
  };
}

const DRIFT: DriftView[] = [
  {
    what: 'memory',
    wanted: '2 GiB',
    is: '3 GiB',
    source: 'definition',
    mend: 'apply its document again: its definition is written anew',
  },
];

/** What becomes of the VMs of the transcripts: `web1` is there, and is to be larger. */
function vmPlan(vm: string): VmPlanView {
  if (vm !== 'web1') {
    return { action: 'create', vm, plan: vm === 'big' ? refusedPlan(vm) : placedPlan(vm) };
  }
  return {
    action: 'update',
    vm,
    host: 'kvm1',
    changes: [
      { path: 'metadata.labels.tier', after: 'gold', cost: 'live' },
      { path: 'spec.cpu.count', before: '2', after: '4', cost: 'next boot' },
      {
        path: 'spec.disks[root].size',
        before: '10 GiB',
        after: '20 GiB',
        cost: 'restart',
        why: 'its volume grows, which no guest may be using',
      },
    ],
    drift: DRIFT,
    cost: 'restart',
  };
}

/** A plan that no host can take. */
export function refusedPlan(vm: string): PlanView {
  return {
    placed: false,
    vm,
    summary: '8 dedicated vCPUs need 8 free pCPUs in one cell; the most free is 3',
    hosts: [
      {
        host: 'kvm1',
        checks: [
          {
            check: 'free-pcpus',
            cell: 0,
            need: 8,
            have: 2,
            unit: 'pCPUs',
            say: 'cell 0 has 2 pCPUs free for dedicated vCPUs, 8 are needed',
            heldBy: ['db1'],
          },
          {
            check: 'memory',
            cell: 1,
            need: 64 * GIB,
            have: 48 * GIB,
            unit: 'bytes',
            say: 'cell 1 has 48 GiB free, 64 GiB are needed',
            heldBy: ['cache', 'web1'],
          },
        ],
      },
    ],
    smallestChange: [
      { kind: 'guest-cells', say: 'give the guest 2 cells' },
      { kind: 'vcpus', say: 'give it 2 vCPUs instead of 8' },
      {
        kind: 'move',
        say: 'move db1 from kvm1 to kvm2',
        moves: [{ vm: 'db1', from: 'kvm1', to: 'kvm2' }],
      },
    ],
  };
}

/** The whole resource of db1, as it is or with differences. */
export function vmResource(values: Partial<VmView> = {}): VmView {
  const host = workstation();
  const seat = host.seats.find(({ vm }) => vm === 'db1') ?? host.seats[0]!;
  return {
    ...summary(seat, 'kvm1'),
    uuid: '6f1c8a52-3c0e-4c55-9d0a-0f6a5b7d2c11',
    labels: { app: 'db' },
    accelerator: 'kvm',
    placement: placement(),
    verified: { ok: true, checked: ['vcpu affinity', 'memory policy'], differences: [] },
    vcpuInfo: [1, 9, 2, 10].map((pcpu, vcpu) => ({
      vcpu,
      state: 'running' as const,
      pcpu,
      timeMs: 1234 * (vcpu + 1),
      allowed: [pcpu],
    })),
    ...values,
  };
}

/** An operation with six steps of which some are done. */
export function operation(done: number, values: Partial<OperationView> = {}): OperationView {
  return {
    id: '7',
    kind: 'create',
    vm: 'db1',
    host: 'kvm1',
    state: done === 6 ? 'done' : 'running',
    steps: ['claim', 'make disks', 'define', 'start the domain', 'verify', 'record'],
    done,
    revision: done,
    startedAt: NOW - 2000,
    ...values,
  };
}

export function hostSummaryOf(host: HostView): HostSummary {
  const { cells } = host.topology;
  return {
    name: host.name,
    uri: host.uri,
    state: 'connected',
    cells: cells.length,
    cpus: cells.flatMap((cell) => cell.cpus).length,
    memoryBytes: cells.reduce((sum, cell) => sum + cell.memoryBytes, 0),
    freeBytes: cells.reduce((sum, cell) => sum + cell.freeBytes, 0),
    vms: host.vms.length,
    domainTypes: host.domainTypes,
  };
}

/** The API of a fleet with one workstation, one lost host, and four VMs. */
export function fleetRoutes(): Readonly<Record<string, Route>> {
  const host = workstation();
  const lost: HostSummary = {
    ...hostSummaryOf(host),
    name: 'kvm2',
    uri: 'qemu+ssh://kvm2/system',
    state: 'unreachable',
    reason: 'connection refused',
    vms: 0,
  };
  const notFound =
    (kind: string, name: string, known: string[]): Route =>
    () => {
      throw berthError('BERTH_NOT_FOUND', { kind, name, known });
    };
  const names = host.vms.map((vm) => vm.name);
  let step = 0;
  return {
    ...usageRoutes(),
    'GET /api/v1/hosts': () => ({ hosts: [hostSummaryOf(host), lost] }),
    'GET /api/v1/hosts/kvm1': () => host,
    'GET /api/v1/hosts/kvm3': notFound('host', 'kvm3', ['kvm1', 'kvm2']),
    'POST /api/v1/hosts': ({ body }) => {
      const { name, uri } = body as { name: string; uri: string };
      if (name !== 'kvm4') return { ...lost, name, uri, state: 'connected', reason: undefined };
      const reason = 'ssh failed: Host key verification failed.';
      throw berthError('BERTH_HOST_KEY', { host: name, fault: 'unknown', reason });
    },
    'DELETE /api/v1/hosts/kvm2': () => ({ name: 'kvm2', uri: lost.uri, vms: ['cache', 'mail'] }),
    'DELETE /api/v1/hosts/kvm1': ({ query }) => {
      if (query.get('force') === 'true') return { name: 'kvm1', uri: host.uri, vms: names };
      throw berthError('BERTH_CONFLICT', {
        what: 'remove host kvm1',
        why: 'VMs of Berth’s are there: db1',
        remedy: 'remove them first, or leave them there as they are: berth host rm kvm1 --force',
      });
    },
    'GET /api/v1/vms': () => ({ vms: host.vms }),
    'GET /api/v1/vms/db1': () => vmResource(),
    'GET /api/v1/vms/web1': () =>
      vmResource({
        ...summary(
          host.seats.find(({ vm }) => vm === 'web1')!,
          'kvm1',
        ),
        verified: {
          ok: false,
          checked: ['vcpu affinity'],
          differences: [
            { what: 'vcpu 0 affinity', planned: '5-7,13-15', actual: '0-15', source: 'kernel' },
          ],
          unknown: ['the memory cells: the host gives libvirt alone'],
        },
        vcpuInfo: [],
        labels: {},
        placement: {
          ...placement(),
          policy: 'shared',
          cells: [],
          vcpus: [0, 1].map((vcpu) => ({ vcpu, pcpus: [5, 6, 7, 13, 14, 15] })),
          emulator: [5, 6, 7, 13, 14, 15],
          memory: [{ bytes: 2 * GIB, pageKiB: 4 }],
          memoryMode: undefined,
          reasons: ['shared vCPUs float over all pCPUs that nobody owns'],
        },
      }),
    'GET /api/v1/vms/db2': notFound('VM', 'db2', names),
    'GET /api/v1/vms/db1/why': () => ({
      vm: 'db1',
      decidedAt: NOW - 180_000,
      plan: placedPlan('db1'),
    }),
    'GET /api/v1/vms/big/why': () => ({ vm: 'big', plan: refusedPlan('big') }),
    'POST /api/v1/plan': ({ body }) => {
      const { metadata } = body as { metadata: { name: string } };
      return metadata.name === 'big' ? refusedPlan('big') : placedPlan(metadata.name);
    },
    'POST /api/v1/plans': ({ body }) => {
      const { documents } = body as { documents: readonly { metadata: { name: string } }[] };
      return { vms: documents.map(({ metadata: { name } }) => vmPlan(name)) };
    },
    'GET /api/v1/drift': () => ({ vms: [{ vm: 'web1', host: 'kvm1', drift: DRIFT }] }),
    'PUT /api/v1/vms/db1': () => operation(0, { kind: 'update' }),
    'PATCH /api/v1/vms/db1/labels': () => operation(0, { kind: 'update' }),
    'POST /api/v1/vms': ({ body }) => {
      const { metadata } = body as { metadata: { name: string } };
      if (metadata.name === 'big') {
        const plan = refusedPlan('big');
        throw berthError('BERTH_REFUSED', {
          vm: 'big',
          summary: plan.placed ? '' : plan.summary,
          explanation: plan,
        });
      }
      step = 0;
      return operation(0);
    },
    'POST /api/v1/vms/db1/stop': () => operation(0, { kind: 'stop' }),
    'POST /api/v1/vms/web1/start': () =>
      operation(3, {
        kind: 'start',
        vm: 'web1',
        state: 'undone',
        error: {
          type: 'urn:berth:error:BERTH_LIBVIRT_REFUSED',
          title: 'BERTH_LIBVIRT_REFUSED',
          status: 502,
          detail: 'libvirt refused domainCreate: cannot open \u001b[31m/dev/kvm (code 38)',
          code: 'BERTH_LIBVIRT_REFUSED',
          exit: 1,
          hint: '',
          data: {
            procedure: 'domainCreate',
            code: 38,
            domain: 10,
            message: 'cannot open \u001b[31m/dev/kvm',
          },
        },
      }),
    'DELETE /api/v1/vms/db1': () => operation(6, { kind: 'remove' }),
    'GET /api/v1/operations/7': () => operation(Math.min(6, ++step * 2)),
    'GET /api/v1/operations': () => ({
      operations: [operation(3), operation(6, { id: '6', startedAt: NOW - 7_200_000 })],
    }),
  };
}
