import type { DiskStats, DiskTraffic, NicTraffic, VmStats } from '../../host/stats-vm.ts';
import { metricsOf } from './metric.ts';
import type { MeasuredMetric, Row } from './metric.ts';

const STATS = 'connectGetAllDomainStats';

/** What is known of a VM's use of processors and memory. */
const OWN: readonly Row<VmStats>[] = [
  {
    name: 'info',
    labels: ['uuid', 'state'],
    help: 'Always 1; tells the UUID of a VM and how it stands',
    source: `${STATS}: state.state`,
    read: (vm, emit) => emit(1, vm.uuid, vm.state),
  },
  {
    name: 'cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of a VM with everything its QEMU does',
    source: `${STATS}: cpu.time`,
    read: (vm, emit) => emit(vm.cpuSeconds),
  },
  {
    name: 'cpu_user_seconds_total',
    type: 'counter',
    help: 'CPU time of a VM in user mode, the guest included',
    source: `${STATS}: cpu.user`,
    read: (vm, emit) => emit(vm.cpuUserSeconds),
  },
  {
    name: 'cpu_system_seconds_total',
    type: 'counter',
    help: 'CPU time of a VM in the kernel of its host',
    source: `${STATS}: cpu.system`,
    read: (vm, emit) => emit(vm.cpuSystemSeconds),
  },
  {
    name: 'vcpu_seconds_total',
    type: 'counter',
    labels: ['vcpu'],
    help: 'CPU time of one vCPU',
    source: `${STATS}: vcpu.N.time`,
    read: (vm, emit) => vm.vcpus.forEach((vcpu) => emit(vcpu.seconds, `${vcpu.id}`)),
  },
  {
    name: 'vcpu_wait_seconds_total',
    type: 'counter',
    labels: ['vcpu'],
    help: 'Time a vCPU was ready and waited for a pCPU; stays 0 unless the host has kernel.sched_schedstats on',
    source: `${STATS}: vcpu.N.wait`,
    read: (vm, emit) => vm.vcpus.forEach((vcpu) => emit(vcpu.waitSeconds, `${vcpu.id}`)),
  },
  {
    name: 'vcpu_delay_seconds_total',
    type: 'counter',
    labels: ['vcpu'],
    help: 'Time a vCPU stood in the run queue of a pCPU and did not run; the guest sees it as steal',
    source: `${STATS}: vcpu.N.delay`,
    read: (vm, emit) => vm.vcpus.forEach((vcpu) => emit(vcpu.delaySeconds, `${vcpu.id}`)),
  },
  {
    name: 'memory_actual_bytes',
    help: 'Memory that a guest has now: the most it may have, less what its balloon took',
    source: `${STATS}: balloon.current`,
    read: (vm, emit) => emit(vm.memory.actualBytes),
  },
  {
    name: 'memory_maximum_bytes',
    help: 'Memory that a guest may have at most',
    source: `${STATS}: balloon.maximum`,
    read: (vm, emit) => emit(vm.memory.maximumBytes),
  },
  {
    name: 'memory_resident_bytes',
    help: 'Memory of its host that a VM holds',
    source: `${STATS}: balloon.rss`,
    read: (vm, emit) => emit(vm.memory.residentBytes),
  },
  {
    name: 'memory_usable_bytes',
    help: 'Memory that a guest could use without swapping, by the word of its balloon driver',
    source: `${STATS}: balloon.usable`,
    read: (vm, emit) => emit(vm.memory.usableBytes),
  },
  {
    name: 'memory_swap_bytes_total',
    type: 'counter',
    labels: ['direction'],
    help: 'What a guest has read from its swap (in) and written to it (out)',
    source: `${STATS}: balloon.swap_in, balloon.swap_out`,
    read: ({ memory }, emit) => {
      emit(memory.swapInBytes, 'in');
      emit(memory.swapOutBytes, 'out');
    },
  },
  {
    name: 'memory_major_faults_total',
    type: 'counter',
    help: 'Page faults for which a guest had to read from a disk',
    source: `${STATS}: balloon.major_fault`,
    read: (vm, emit) => emit(vm.memory.majorFaults),
  },
];

/** What goes through a disk, each way. */
const DISKS: readonly Row<VmStats>[] = [
  ...diskWay('read', 'rd', 'read'),
  ...diskWay('write', 'wr', 'written'),
  disk('flush_requests_total', 'Flushes of a disk', 'fl.reqs', (one) => one.flush.requests),
  disk(
    'flush_seconds_total',
    'Time of all flushes of a disk',
    'fl.times',
    (one) => one.flush.seconds,
  ),
  disk(
    'capacity_bytes',
    'Size of a disk as its guest sees it',
    'capacity',
    (one) => one.capacityBytes,
  ),
  disk(
    'allocation_bytes',
    'What a disk takes of the storage of its host',
    'allocation',
    (one) => one.allocationBytes,
  ),
];

/** What goes through a NIC, each way. */
const NICS: readonly Row<VmStats>[] = [
  ...nicWay('receive', 'rx', 'received', (nic) => nic.received),
  ...nicWay('transmit', 'tx', 'sent', (nic) => nic.sent),
];

/** Everything that is read of each VM. */
export const VM_METRICS: readonly MeasuredMetric<VmStats>[] = metricsOf(
  'berth_vm_',
  ['vm', 'host'],
  [...OWN, ...DISKS, ...NICS],
);

function diskWay(way: 'read' | 'write', libvirts: string, done: string): readonly Row<VmStats>[] {
  const row = (name: string, help: string, of: keyof DiskTraffic, suffix: string) =>
    disk(`${way}_${name}_total`, help, `${libvirts}.${suffix}`, (one) => one[way][of]);
  return [
    row('bytes', `Bytes ${done} by way of a disk`, 'bytes', 'bytes'),
    row('requests', `Requests by which a disk was ${done}`, 'requests', 'reqs'),
    row(
      'seconds',
      `Time of all requests by which a disk was ${done}, added up`,
      'seconds',
      'times',
    ),
  ];
}

function disk(
  name: string,
  help: string,
  libvirts: string,
  of: (disk: DiskStats) => number | undefined,
): Row<VmStats> {
  return {
    name: `disk_${name}`,
    ...(name.endsWith('_total') ? { type: 'counter' as const } : {}),
    labels: ['disk'],
    help,
    source: `${STATS}: block.N.${libvirts}`,
    read: (vm, emit) => vm.disks.forEach((one) => emit(of(one), one.name)),
  };
}

function nicWay(
  way: string,
  libvirts: string,
  done: string,
  traffic: (nic: VmStats['nics'][number]) => NicTraffic,
): readonly Row<VmStats>[] {
  const row = (name: keyof NicTraffic, help: string, suffix: string): Row<VmStats> => ({
    name: `network_${way}_${name}_total`,
    type: 'counter',
    labels: ['device'],
    help,
    source: `${STATS}: net.N.${libvirts}.${suffix}`,
    read: (vm, emit) => vm.nics.forEach((nic) => emit(traffic(nic)[name], nic.name)),
  });
  return [
    row('bytes', `Bytes that a guest has ${done} by a NIC`, 'bytes'),
    row('packets', `Packets that a guest has ${done} by a NIC`, 'pkts'),
    row('errors', `Packets that could not be ${done} by a NIC for errors`, 'errs'),
    row('drops', `Packets that were dropped before they were ${done} by a NIC`, 'drop'),
  ];
}
