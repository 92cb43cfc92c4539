import { berthError } from '../../base/errors.ts';
import type { FactFiles } from '../../facts/fact-files.ts';
import { readHostTopology } from '../../facts/host-topology.ts';
import { sysTree } from '../../facts/sys-tree.ts';
import { machineTopology } from '../../model/machine.ts';
import type { MachineDescription } from '../../model/machine-description.ts';
import { topologyProblems, type HostTopology } from '../../model/topology.ts';

/** A machine that a private host can show in place of the real one. */
export interface ShownMachine {
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly topology: HostTopology;
  /** The kernel's files that show it, by their path below the root. */
  readonly files: FactFiles;
  /** In words, what its source did not tell, and so was assumed. */
  readonly unknown: readonly string[];
}

/** What a machine is called. */
export interface MachineName {
  readonly name: string;
  readonly title?: string;
}

/**
 * A machine from its description.
 * @throws BERTH_SPEC_INVALID naming the field that is wrong.
 */
export function describedMachine(
  { name, title = name }: MachineName,
  description: MachineDescription,
): ShownMachine {
  const topology = machineTopology(description);
  const { l3Bytes } = description;
  const files = sysTree(topology, l3Bytes === undefined ? {} : { l3Bytes });
  return { name, title, topology, files, unknown: [] };
}

/**
 * A machine from its topology, as a snapshot holds it. What a kernel's files cannot show of it comes
 * out as they show it: all free memory is of ordinary pages, of 4 KiB each.
 * @throws BERTH_SPEC_INVALID when the topology contradicts itself.
 */
export function topologyMachine(
  { name, title = name }: MachineName,
  topology: HostTopology,
  unknown: readonly string[] = [],
): ShownMachine {
  const [problem] = topologyProblems(topology);
  if (problem !== undefined) {
    const expected = 'a topology without contradictions';
    throw berthError('BERTH_SPEC_INVALID', { where: name, problem, expected });
  }
  const files = sysTree(topology);
  const shown = readHostTopology({ files, arch: topology.arch });
  return { name, title, topology: shown.topology, files, unknown };
}
