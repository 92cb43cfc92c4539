import { KIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import type { Placement } from '../../src/model/placement.ts';
import type { Cpu } from '../../src/model/topology.ts';
import {
  countsAll,
  plainBoundRatio,
  plainCellRoom,
  plainFree,
  plainHarm,
  plainlyTooWide,
  plainOverhead,
  plainOverload,
  plainPages,
  plainPool,
  plainRam,
} from './plain-books.ts';

/** Everything wrong with a placement, in words; empty when it keeps every promise. */
export function placementFaults(
  host: HostSnapshot,
  request: PlacementRequest,
  placement: Placement,
): readonly string[] {
  return [
    ...cpuFaults(host, request, placement),
    ...threadFaults(host, request, placement),
    ...memoryFaults(host, request, placement),
    ...floatFaults(host, request, placement),
    ...cellFaults(host, request, placement),
  ];
}

function cpuFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const own = request.policy === 'dedicated' ? plainFree(host) : plainPool(host);
  const pool = new Set(own.map((cpu) => cpu.id));
  const all = [...plan.vcpus.flatMap((seat) => seat.pcpus), ...plan.emulator];
  for (const cpu of [...all, ...plan.blocked]) {
    if (!pool.has(cpu)) faults.push(`pCPU ${cpu} is not free`);
  }
  for (const cpu of all) {
    if (request.cpuset?.includes(cpu) === false) faults.push(`pCPU ${cpu} is not in the cpuset`);
  }
  const ids = plan.vcpus.map((seat) => seat.vcpu);
  if (ids.join() !== Array.from({ length: request.vcpus }, (_, i) => i).join()) {
    faults.push(`vCPUs are ${ids.join()}`);
  }
  if (plan.emulator.length === 0) faults.push('the emulator has no pCPU');
  if (request.policy === 'dedicated') {
    const own = plan.vcpus.flatMap((seat) => seat.pcpus);
    if (plan.vcpus.some((seat) => seat.pcpus.length !== 1)) faults.push('a vCPU floats');
    if (new Set(own).size !== own.length) faults.push('two vCPUs share a pCPU');
    if (own.some((cpu) => plan.blocked.includes(cpu))) faults.push('a blocked pCPU runs a vCPU');
    const apart = plan.emulator.filter((cpu) => !own.includes(cpu));
    const expected = request.emulator === 'isolate' ? 1 : 0;
    if (apart.length !== expected) faults.push(`the emulator has ${apart.length} pCPUs apart`);
    if (expected === 0 && plan.emulator.length !== own.length)
      faults.push('the emulator is kept off');
  }
  return faults;
}

function threadFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  if (request.policy !== 'dedicated') return faults;
  const pcpu = plan.vcpus.map((seat) => seat.pcpus[0] ?? -1);
  const { sockets, dies, cores, threads } = plan.guestTopology;
  if (sockets * dies * cores * threads !== request.vcpus)
    faults.push('the topology has other vCPUs');
  for (let k = 0; k < pcpu.length; k += threads) {
    if (threads === 1) break;
    const group = pcpu.slice(k, k + threads);
    if (siblings(host, group[0] ?? -1).join() !== group.join()) {
      faults.push(`vCPUs ${k} on are shown as siblings, but sit on ${group.join()}`);
    }
    const cell = plan.guestCells.find((c) => c.vcpus.includes(k));
    if (cell !== undefined && !cell.vcpus.includes(k + threads - 1)) {
      faults.push(`guest core of vCPU ${k} straddles guest cells`);
    }
  }
  if (request.threads === 'require' && threads < 2) faults.push('no siblings, though required');
  if (request.threads === 'isolate') {
    for (const cpu of pcpu) {
      const idle = siblings(host, cpu).filter((other) => other !== cpu);
      if (idle.some((other) => !plan.blocked.includes(other))) {
        faults.push(`siblings of pCPU ${cpu} are not kept idle`);
      }
    }
  } else if (plan.blocked.length > 0) {
    faults.push('pCPUs are blocked without need');
  }
  return faults;
}

function memoryFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const huge = request.pageKiB !== undefined;
  const sum = plan.memory.reduce((total, share) => total + share.bytes, 0);
  if (sum !== request.memoryBytes) faults.push(`the memory adds up to ${sum}`);
  if (plan.overheadBytes !== plainOverhead(host, request)) {
    faults.push('another overhead than documented');
  }
  const ram = plainRam(host);
  const own = plan.overheadBytes + (huge && !countsAll(host) ? 0 : sum);
  if (own > ram.limit) faults.push('more than the host has');
  if (ram.used + own > Math.floor(ram.limit * host.policy.ramRatio)) faults.push('RAM ratio');
  if (plan.memoryMode === 'preferred' && !huge) return faults;
  const pages = huge ? (request.pageKiB ?? 4) : 4;
  const ratio = plainBoundRatio(host, request);
  plan.memory.forEach((share, index) => {
    if (share.pageKiB !== pages) faults.push(`a share has pages of ${share.pageKiB} KiB`);
    if (share.cell === undefined) return;
    const overhead = index === 0 ? plan.overheadBytes : 0;
    const ordinary = overhead + (huge ? 0 : share.bytes);
    if (ordinary > 0 && ordinary > plainCellRoom(host, share.cell, ratio)) {
      faults.push(`cell ${share.cell} has no ${ordinary} bytes`);
    }
    if (huge && share.bytes / (pages * KIB) > plainPages(host, pages, share.cell)) {
      faults.push(`cell ${share.cell} has too few pages`);
    }
  });
  if (huge && sum / (pages * KIB) > plainPages(host, pages))
    faults.push('too few pages on the host');
  return faults;
}

function floatFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const pool = new Set(plainPool(host).map((cpu) => cpu.id));
  if (request.policy === 'dedicated') {
    const own = plan.vcpus.flatMap((seat) => seat.pcpus);
    return [...plainHarm(host, pool, new Set([...own, ...plan.emulator, ...plan.blocked]))];
  }
  const parts = Map.groupBy(plan.vcpus, (seat) => seat.pcpus.join());
  const kept = [...parts.values()].map((s) => ({ vcpus: s.length, over: s[0]?.pcpus ?? [] }));
  if (plainlyTooWide(host, request, kept)) faults.push('more vCPUs than pCPUs to float over');
  const seat = {
    vm: 'new',
    uuid: 'new',
    managed: true,
    running: true,
    dedicated: [],
    floating: { vcpus: request.vcpus, parts: kept },
    memory: [],
    overheadBytes: 0,
  };
  for (const { whose, cpus } of plainOverload({ ...host, seats: [...host.seats, seat] }, pool)) {
    const touched = kept.some(({ over }) => new Set(over).isSubsetOf(cpus));
    if (touched) faults.push(`too many vCPUs float over the ${whose}'s ${[...cpus].join()}`);
  }
  return faults;
}

function cellFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const counts = plan.guestCells.map((cell) => cell.vcpus.length);
  const hostCells = plan.guestCells.map((cell) => cell.hostCell);
  if (new Set(hostCells).size !== hostCells.length) faults.push('two guest cells in one host cell');
  const grain = request.threads === 'require' ? plan.guestTopology.threads : 1;
  if (counts.length > 0 && Math.max(...counts) - Math.min(...counts) > grain) {
    faults.push(`guest cells have ${counts.join()} vCPUs`);
  }
  if (typeof request.cells === 'number' && request.cells !== Math.max(1, counts.length)) {
    faults.push(`${counts.length} guest cells`);
  }
  if (request.cells === 'none' && plan.cells.length > 0) faults.push('it is bound to a cell');
  for (const cell of plan.guestCells) {
    const here = new Set(
      host.topology.cells.find((c) => c.id === cell.hostCell)?.cpus.map((c) => c.id),
    );
    const share = plan.memory.find((s) => s.cell === cell.hostCell);
    if (share?.bytes !== cell.bytes) faults.push(`memory of guest cell ${cell.id} lies elsewhere`);
    for (const vcpu of cell.vcpus) {
      if (plan.vcpus[vcpu]?.pcpus.some((cpu) => !here.has(cpu)) !== false) {
        faults.push(`vCPU ${vcpu} is not in the cell of its guest cell`);
      }
    }
  }
  return faults;
}

function siblings(host: HostSnapshot, id: number): readonly number[] {
  const cpus: readonly Cpu[] = host.topology.cells.flatMap((cell) => cell.cpus);
  return cpus.find((cpu) => cpu.id === id)?.siblings ?? [];
}
