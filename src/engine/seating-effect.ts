import { BitSet } from '../base/bit-set.ts';
import type { Frame } from './frame.ts';
import { isSoft } from './frame.ts';
import type { CellShape } from './host-shape.ts';
import { isDedicatedVcpu, vcpuKinds } from './request.ts';
import type { CellEffect, Effect } from './room/effect.ts';
import type { Seating } from './seating.ts';

/**
 * What a seating takes of its host, in counts. QEMU's own memory counts where the guest's is
 * ordinary; beside huge pages it is left out, as it is next to nothing there.
 */
export function effectOf(frame: Frame, seating: Seating): Effect {
  const { request, huge, overheadBytes, ledger } = frame;
  const taken = new BitSet(seating.dedicated);
  const cells = ledger.shape.cells.flatMap((shape) => cellEffect(frame, seating, { shape, taken }));
  const [first, ...others] = cells;
  const unpaired = first === undefined ? [] : [{ ...first, unpaired: seating.unpaired }, ...others];
  const counts = !huge || ledger.host.policy.ramCounts === 'all';
  return {
    cells: unpaired,
    floats: vcpuKinds(request).floating,
    ram: (counts ? request.memoryBytes : 0) + overheadBytes,
  };
}

function cellEffect(
  frame: Frame,
  seating: Seating,
  what: { readonly shape: CellShape; readonly taken: BitSet },
): readonly CellEffect[] {
  const { shape, taken } = what;
  const floats = floatsIn(frame, seating, shape.index);
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

function floatsIn({ request }: Frame, { parts }: Seating, home: number): number {
  const here = parts.filter((part) => part.home === home).flatMap(({ part }) => part.vcpus);
  return here.filter((vcpu) => !isDedicatedVcpu(request, vcpu)).length;
}

function boundBytes(frame: Frame, seating: Seating, cellId: number): number {
  if (isSoft(frame)) return 0;
  const own = frame.huge || seating.memory[0]?.cell !== cellId ? 0 : frame.overheadBytes;
  return seating.memory.reduce((sum, { cell, bytes }) => sum + (cell === cellId ? bytes : 0), own);
}
