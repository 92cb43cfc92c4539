import { BitSet } from '../base/bit-set.ts';
import type { Frame } from './frame.ts';
import { isSoft } from './frame.ts';
import type { CellShape } from './host-shape.ts';
import type { CellEffect, Effect } from './room/effect.ts';
import type { Seating } from './seating.ts';

/**
 * What a seating takes of its host, in counts. QEMU's own memory counts where the guest's is
 * ordinary; beside huge pages it is left out, as it is next to nothing there.
 */
export function effectOf(frame: Frame, seating: Seating): Effect {
  const { request, huge, overheadBytes, ledger } = frame;
  const ownPcpus = request.policy === 'shared' ? [] : dedicatedOf(frame, seating);
  const taken = new BitSet([...ownPcpus, ...seating.blocked]);
  const cells = ledger.shape.cells.flatMap((shape) => cellEffect(frame, seating, { shape, taken }));
  const [first, ...others] = cells;
  const unpaired = first === undefined ? [] : [{ ...first, unpaired: seating.unpaired }, ...others];
  const counts = !huge || ledger.host.policy.ramCounts === 'all';
  return {
    cells: unpaired,
    floats: floatsOf(frame, seating),
    ram: (counts ? request.memoryBytes : 0) + overheadBytes,
  };
}

function dedicatedOf(frame: Frame, seating: Seating): readonly number[] {
  const own = seating.vcpus.flatMap(({ pcpus }) => (pcpus.length === 1 ? pcpus : []));
  return frame.request.emulator === 'isolate' ? [...own, ...seating.emulator] : own;
}

function floatsOf({ request }: Frame, seating: Seating): number {
  return request.policy === 'shared' ? seating.vcpus.length : 0;
}

function cellEffect(
  frame: Frame,
  seating: Seating,
  what: { readonly shape: CellShape; readonly taken: BitSet },
): readonly CellEffect[] {
  const { shape, taken } = what;
  const floats = frame.request.policy === 'shared' ? vcpusIn(seating, shape.index) : 0;
  const bytes = boundBytes(frame, seating, shape.id);
  const pcpus = shape.cpus.countIn(taken);
  if (pcpus === 0 && floats === 0 && bytes === 0) return [];
  const touched = shape.cores.filter(
    (core) => core.cpus.some((cpu) => taken.has(cpu)) && frame.ledger.free.hasAll(core.cpus),
  );
  const broken = touched.filter((core) => !taken.hasAll(core.cpus)).length;
  return [
    {
      index: shape.index,
      pcpus,
      cores: touched.length,
      broken,
      unpaired: 0,
      floats,
      bytes,
      pageKiB: frame.pageKiB,
    },
  ];
}

function vcpusIn({ parts }: Seating, home: number): number {
  return parts.reduce((sum, part) => sum + (part.home === home ? part.part.vcpus.length : 0), 0);
}

function boundBytes(frame: Frame, seating: Seating, cellId: number): number {
  if (isSoft(frame)) return 0;
  const own = frame.huge || seating.memory[0]?.cell !== cellId ? 0 : frame.overheadBytes;
  return seating.memory.reduce((sum, { cell, bytes }) => sum + (cell === cellId ? bytes : 0), own);
}
