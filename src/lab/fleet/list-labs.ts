import { berthError, isBerthError } from '../../base/errors.ts';
import type { HostTopology } from '../../model/topology.ts';
import { keeperRuns } from './keeper.ts';
import { cacheOf, labFolder, labNames } from './lab-folder.ts';
import { faultsInForce } from '../fault/break-host.ts';
import { faultTargetOf } from './fault-target-of.ts';
import { describeLabHost } from './lab-host.ts';
import type { LabInfo } from './lab-info.ts';
import { networkOf } from './lab-network.ts';
import { readLabRecord } from './lab-record.ts';

/**
 * Every lab of a home, by name, each host with its state.
 * @param own this machine's topology, which hosts show that show no other.
 */
export async function listLabs(home: string, own: HostTopology): Promise<readonly LabInfo[]> {
  const names = await labNames(home);
  return Promise.all(names.map(async (name) => lookAtAnyLab(home, name, own)));
}

/**
 * One lab of a home.
 * @throws BERTH_NOT_FOUND
 */
export async function findLab(home: string, name: string, own: HostTopology): Promise<LabInfo> {
  const names = await labNames(home);
  if (names.includes(name)) return lookAtLab(home, name, own);
  throw berthError('BERTH_NOT_FOUND', { kind: 'lab', name, known: names });
}

/** One that is damaged must not hide the others. */
async function lookAtAnyLab(home: string, name: string, own: HostTopology): Promise<LabInfo> {
  try {
    return await lookAtLab(home, name, own);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_FACTS_INVALID')) throw error;
    return { name, network: '', hosts: [], notes: [`damaged: ${error.message}`] };
  }
}

async function lookAtLab(home: string, name: string, own: HostTopology): Promise<LabInfo> {
  const dir = labFolder(home, name);
  const record = await readLabRecord(dir);
  if (record?.keeper === undefined) {
    const note = `what an interrupted command left; remove it with: berth lab down ${name}`;
    return { name, network: '', hosts: [], notes: [note] };
  }
  const { network } = record.keeper;
  const runs = await keeperRuns(record.keeper);
  const place = { lab: name, dir, network };
  const hosts = record.hosts.map(async (host) => {
    const info = await describeLabHost(place, host, own);
    const target = runs
      ? await faultTargetOf({ dir, lab: record, host }, cacheOf(home))
      : undefined;
    if (target === undefined) return info;
    return { ...info, state: 'running' as const, broken: await faultsInForce(target) };
  });
  return {
    name,
    network: networkOf(network).cidr,
    hosts: await Promise.all(hosts),
    notes: record.notes,
  };
}
