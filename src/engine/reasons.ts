import { present } from '../base/assert.ts';
import { formatIntSet } from '../base/int-set.ts';
import { formatSize, KIB } from '../base/units.ts';
import type { GuestTopology } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import { roomFor } from './memory-plan.ts';
import type { Seating } from './seating.ts';
import { distance } from './slot-fit.ts';
import { counted, named } from './wording.ts';

/** Why a guest sits where it sits, in sentences, the strongest first. */
export function reasonsFor(
  frame: Frame,
  seating: Seating,
  topology: GuestTopology,
): readonly string[] {
  return [
    ...cellReasons(frame, seating),
    ...(frame.request.policy === 'dedicated'
      ? coreReasons(frame, seating, topology)
      : [floatReason(frame, seating)]),
    ...memoryReasons(frame, seating),
  ];
}

function cellReasons(frame: Frame, seating: Seating): readonly string[] {
  const homes = [...new Set(seating.parts.map(({ home }) => home))];
  const [home, other] = homes;
  if (home === undefined) {
    if (frame.layout !== 'floating') return [];
    return frame.request.cells === 'none'
      ? ['it is to be bound to no cell']
      : ['no single cell carries it, so it is bound to none'];
  }
  if (other === undefined) return [`fits one cell: ${cellUse(frame, seating, home)}`];
  const far = homes.flatMap((a) => homes.map((b) => distance(frame, a, b)));
  const list = named('cell', formatIntSet(homes.map((index) => cellId(frame, index))));
  const why =
    frame.request.cells === 'auto' ? 'no fewer cells can take it' : 'cells were asked for';
  return [
    `${why}: one guest cell in each of ${list}, at distance ${Math.max(...far)} at most`,
    ...homes.map((index) => cellUse(frame, seating, index)),
  ];
}

/** "cell 0: 2 of 4 free pCPUs, 1 GiB of 11.2 GiB". */
function cellUse(frame: Frame, seating: Seating, home: number): string {
  const { ledger, request } = frame;
  const id = cellId(frame, home);
  const account = present(ledger.cells[home], `cell at ${home}`);
  const cpus = present(ledger.shape.cells[home], `cell at ${home}`).cpus.and(
    request.policy === 'dedicated' ? ledger.free : ledger.pool,
  );
  const taken = new Set([...seating.vcpus.flatMap((seat) => seat.pcpus), ...seating.blocked]);
  for (const cpu of seating.emulator) taken.add(cpu);
  const used = [...cpus].filter((cpu) => taken.has(cpu)).length;
  const bytes = seating.memory.reduce((sum, s) => sum + (s.cell === id ? s.bytes : 0), 0);
  const memory = `${formatSize(bytes)} of ${formatSize(roomFor(frame, account))}`;
  const pages = frame.huge ? ` in pages of ${formatSize(frame.pageKiB * KIB)}` : '';
  return request.policy === 'dedicated'
    ? `cell ${id}: ${used} of ${counted(cpus.size, 'free pCPU')}, ${memory}${pages}`
    : `cell ${id}: ${counted(cpus.size, 'shared pCPU')}, ${memory}${pages}`;
}

function coreReasons(frame: Frame, seating: Seating, topology: GuestTopology): readonly string[] {
  const { threads } = frame.request;
  const pcpus = seating.vcpus.flatMap((seat) => seat.pcpus);
  const reasons: string[] = [];
  if (topology.threads > 1) {
    reasons.push(
      `whole cores (${coreList(frame, pcpus)}): siblings in the guest are real siblings`,
    );
  }
  if (seating.blocked.length > 0) {
    const idle = named('pCPU', formatIntSet(seating.blocked));
    reasons.push(`${idle} idle, so that nobody else runs on its cores (threads isolate)`);
  }
  if (seating.unpaired > 0) {
    reasons.push(
      `too few whole cores are free: ${counted(seating.unpaired, 'vCPU')} have no sibling`,
    );
  }
  if (threads === 'prefer' && topology.threads === 1 && frame.ledger.shape.threads > 1) {
    reasons.push(
      seating.broken === 0
        ? 'no free core is broken'
        : `${counted(seating.broken, 'free core')} broken, as no half-free one is left`,
    );
  }
  return [...reasons, ...emulatorReasons(frame, seating)];
}

function emulatorReasons(frame: Frame, { emulator }: Seating): readonly string[] {
  if (frame.request.emulator === 'share') return [];
  return [`QEMU's own threads have ${named('pCPU', formatIntSet(emulator))} to themselves`];
}

function floatReason(frame: Frame, seating: Seating): string {
  const { cpuRatio } = frame.ledger.host.policy;
  const list = named('pCPU', formatIntSet(seating.emulator));
  return `its ${counted(frame.request.vcpus, 'vCPU')} float over ${list}, at most ${cpuRatio} vCPUs for each`;
}

function memoryReasons(frame: Frame, { memory, mode, parts }: Seating): readonly string[] {
  const cells = memory.flatMap(({ cell }) => cell ?? []);
  const homes = parts.map(({ home }) => cellId(frame, home));
  const list = named('cell', formatIntSet(cells));
  if (mode === 'preferred') return [`memory prefers ${list} and may spill over`];
  if (mode === 'interleave' && cells.length > 1) return [`memory is spread evenly over ${list}`];
  return homes.length > 0 && cells.some((cell) => !homes.includes(cell))
    ? [`memory comes from ${list}, as the nodeset says`]
    : [];
}

/** "0+4, 1+5": the threads of each core. */
function coreList(frame: Frame, pcpus: readonly number[]): string {
  const used = new Set(pcpus);
  return frame.ledger.shape.cells
    .flatMap((cell) => cell.cores)
    .filter((core) => core.cpus.some((cpu) => used.has(cpu)))
    .map((core) => core.cpus.join('+'))
    .join(', ');
}

function cellId(frame: Frame, index: number): number {
  return present(frame.ledger.cells[index], `cell at ${index}`).id;
}
