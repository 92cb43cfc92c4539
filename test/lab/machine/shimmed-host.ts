import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GIB } from '../../../src/base/units.ts';
import { buildShim } from '../../../src/lab/machine/build-shim.ts';
import { describedMachine } from '../../../src/lab/machine/shown-machine.ts';
import { writeSysTree } from '../../../src/lab/machine/write-sys-tree.ts';
import { C_COMPILERS } from '../../../src/lab/system/c-compiler.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import type { MachineDescription } from '../../../src/model/machine.ts';
import { atProcessEnd } from '../at-process-end.ts';
import { labUnmetNeed, startLabHost, TEST_CACHE, type LabHost } from '../lab-host.ts';

/** 64 CPUs in 8 cells: cell N has CPUs 8N to 8N+7, most of which this machine will not have. */
export const BIG_MACHINE: MachineDescription = {
  sockets: 2,
  cells: 4,
  cores: 32,
  memoryBytes: 32 * GIB,
};

/** The unmet need of tests with the shim, or false. */
export async function shimSkip(): Promise<string | false> {
  const need = await labUnmetNeed();
  if (need !== undefined) return need;
  const missing = await missingPrograms(C_COMPILERS);
  return missing.length < C_COMPILERS.length ? false : 'needs: a C compiler';
}

/** A host that shows a machine, with the shim that lets guests start pinned to its CPUs. */
export async function startShimmedHost(
  name: string,
  description: MachineDescription = BIG_MACHINE,
  compiler?: string,
): Promise<LabHost> {
  const sysTree = await mkdtemp(join(tmpdir(), 'berth-tree-'));
  atProcessEnd(() => rmSync(sysTree, { recursive: true, force: true }));
  await writeSysTree(sysTree, describedMachine({ name }, description));
  const shim = await buildShim({
    dir: TEST_CACHE,
    ...(compiler === undefined ? {} : { compiler }),
  });
  return startLabHost(name, { sysTree, shim });
}
