import { KIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import type { Placement, ThreadPlace } from '../../src/model/placement.ts';
import type { Cpu } from '../../src/model/topology.ts';
import {
  countsAll,
  isCommon,
  isOwnVcpu,
  plainBoundRatio,
  plainCellRoom,
  plainFree,
  plainHarm,
  plainlyOverloaded,
  plainlyTooWide,
  plainOverhead,
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
    ...pciFaults(host, request, placement),
  ];
}

function cpuFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const pool = new Set(plainPool(host).map((cpu) => cpu.id));
  const free = new Set(plainFree(host).map((cpu) => cpu.id));
  const own = ownCpus(request, plan);
  for (const cpu of [...own, ...plan.blocked]) {
    if (!free.has(cpu)) faults.push(`pCPU ${cpu} is not free`);
  }
  const taken = new Set(plan.dedicated);
  for (const { vcpu, pcpus } of plan.vcpus) {
    if (isOwnVcpu(request, vcpu)) {
      if (pcpus.length !== 1) faults.push(`vCPU ${vcpu} floats`);
    } else if (pcpus.some((cpu) => !pool.has(cpu) || taken.has(cpu))) {
      faults.push(`vCPU ${vcpu} floats over pCPUs that are not shared`);
    }
  }
  for (const cpu of [...plan.vcpus.flatMap((seat) => seat.pcpus), ...own]) {
    if (request.cpuset?.includes(cpu) === false) faults.push(`pCPU ${cpu} is not in the cpuset`);
  }
  const ids = plan.vcpus.map((seat) => seat.vcpu);
  if (ids.join() !== Array.from({ length: request.vcpus }, (_, i) => i).join()) {
    faults.push(`vCPUs are ${ids.join()}`);
  }
  if (new Set(own).size !== own.length) faults.push('two threads share a pCPU of their own');
  if (own.some((cpu) => plan.blocked.includes(cpu))) faults.push('a blocked pCPU runs a thread');
  const all = [...own, ...plan.blocked].toSorted((a, b) => a - b);
  if (all.join() !== plan.dedicated?.join())
    faults.push(`${plan.dedicated?.join()} are said taken`);
  return [...faults, ...helperFaults(host, request, plan)];
}

/** pCPUs on which just one thread of the guest runs, by the words of the request. */
function ownCpus(request: PlacementRequest, plan: Placement): readonly number[] {
  const { emulator, ioThreads } = request;
  return [
    ...plan.vcpus.filter(({ vcpu }) => isOwnVcpu(request, vcpu)).flatMap(({ pcpus }) => pcpus),
    ...(emulator === 'isolate' ? plan.emulator : []),
    ...(ioThreads?.place === 'isolate' ? (plan.ioThreads ?? []).flatMap((io) => io.pcpus) : []),
  ];
}

function helperFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const { emulator, ioThreads } = request;
  const floating = plan.vcpus.filter(({ vcpu }) => !isOwnVcpu(request, vcpu));
  const beside = new Set((floating.length > 0 ? floating : plan.vcpus).flatMap((s) => s.pcpus));
  const faults = placeFaults(host, emulator, { pcpus: plan.emulator, beside });
  if ((plan.ioThreads?.length ?? 0) !== (ioThreads?.count ?? 0)) faults.push('I/O threads missing');
  for (const [index, { id, pcpus }] of (plan.ioThreads ?? []).entries()) {
    if (id !== index + 1) faults.push(`I/O thread ${id} is the ${index + 1}.`);
    const where = { pcpus, beside: new Set(plan.emulator) };
    faults.push(...placeFaults(host, ioThreads?.place ?? 'share', where));
  }
  return faults;
}

function placeFaults(
  host: HostSnapshot,
  place: ThreadPlace,
  { pcpus, beside }: { readonly pcpus: readonly number[]; readonly beside: ReadonlySet<number> },
): string[] {
  if (pcpus.length === 0) return ['a thread has no pCPU'];
  if (place === 'isolate') return pcpus.length === 1 ? [] : ['a thread has pCPUs for itself'];
  if (place === 'share') {
    return beside.symmetricDifference(new Set(pcpus)).size === 0 ? [] : ['a thread is kept off'];
  }
  const isGiven = place.cpus.join() === pcpus.join() && isCommon(host, pcpus);
  return isGiven ? [] : ['a thread runs elsewhere than by hand'];
}

function threadFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  if (request.policy === 'shared') return faults;
  const own = plan.vcpus.filter(({ vcpu }) => isOwnVcpu(request, vcpu));
  const pcpu = own.map((seat) => seat.pcpus[0] ?? -1);
  const { sockets, dies, cores, threads } = plan.guestTopology;
  if (sockets * dies * cores * threads !== request.vcpus)
    faults.push('the topology has other vCPUs');
  if (request.policy === 'mixed' && threads > 1) faults.push('floating vCPUs shown as siblings');
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
  if (request.threads === 'require') {
    if (request.policy === 'dedicated' && threads < 2) faults.push('no siblings, though required');
    if (pcpu.some((cpu) => siblings(host, cpu).some((other) => !pcpu.includes(other)))) {
      faults.push('a sibling is not the guest’s own, though required');
    }
  }
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
  const taken = new Set(plan.dedicated);
  faults.push(...plainHarm(host, pool, taken));
  const floating = plan.vcpus.filter(({ vcpu }) => !isOwnVcpu(request, vcpu));
  if (floating.length === 0) return faults;
  const groups = Map.groupBy(floating, (seat) => seat.pcpus.join());
  const parts = [...groups.values()].map((s) => ({ vcpus: s.length, over: s[0]?.pcpus ?? [] }));
  if (plainlyTooWide(host, request, { parts, taken })) {
    faults.push('more vCPUs than pCPUs to float over');
  }
  for (const { whose, cpus } of plainlyOverloaded(host, { parts, taken })) {
    faults.push(`too many vCPUs float over the ${whose}'s ${[...cpus].join()}`);
  }
  return faults;
}

function cellFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const faults: string[] = [];
  const counts = plan.guestCells.map((cell) => cell.vcpus.length);
  const hostCells = plan.guestCells.map((cell) => cell.hostCell);
  if (new Set(hostCells).size !== hostCells.length) faults.push('two guest cells in one host cell');
  const whole = request.threads === 'require' && request.policy === 'dedicated';
  const grain = whole ? plan.guestTopology.threads : 1;
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

function pciFaults(host: HostSnapshot, request: PlacementRequest, plan: Placement): string[] {
  const { pci: asks = [] } = request;
  const given = plan.pci ?? [];
  const faults: string[] = [];
  if (given.length !== asks.reduce((sum, { count }) => sum + count, 0)) faults.push('PCI missing');
  if (new Set(given.map(({ address }) => address)).size !== given.length) {
    faults.push('a PCI function is given twice');
  }
  for (const { address, cell, pool, guestCell } of given) {
    const home = host.topology.cells.find((one) => one.pci.some((p) => p.address === address));
    if (home?.id !== cell) faults.push(`${address} is not on cell ${cell}`);
    if (host.seats.some((seat) => seat.pci?.includes(address) === true)) {
      faults.push(`${address} has another guest`);
    }
    const part = plan.guestCells.find((one) => one.hostCell === cell);
    if (part?.id !== guestCell) faults.push(`${address} is shown to guest cell ${guestCell}`);
    if (pool !== undefined && host.policy.pciPools?.[pool]?.addresses?.includes(address) !== true) {
      faults.push(`${address} is not of ${pool}`);
    }
  }
  const near = given.filter(({ cell }) => cell !== undefined && plan.cells.includes(cell)).length;
  const must = asks.filter(({ locality }) => locality === 'required');
  if (near < must.reduce((sum, { count }) => sum + count, 0)) faults.push('PCI is not local');
  return faults;
}

function siblings(host: HostSnapshot, id: number): readonly number[] {
  const cpus: readonly Cpu[] = host.topology.cells.flatMap((cell) => cell.cpus);
  return cpus.find((cpu) => cpu.id === id)?.siblings ?? [];
}
