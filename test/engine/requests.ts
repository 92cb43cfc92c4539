import { MIB } from '../../src/base/units.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';

/** A request for one dedicated vCPU and 256 MiB, but for what is given. */
export function ask(fields: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    name: 'vm',
    vcpus: 1,
    policy: 'dedicated',
    threads: 'prefer',
    emulator: 'share',
    memoryBytes: 256 * MIB,
    cells: 'auto',
    hosts: [],
    ...fields,
  };
}
