import { berthError } from '../../base/errors.ts';
import { labHostFolder, labHostName } from './lab-folder.ts';
import { findRunning, labHostLink, type RunningLabHost } from './lab-host.ts';
import { LAB_BRIDGE } from './lab-network.ts';
import { findLabHost, type KnownLabHost } from './find-lab-host.ts';
import { insideHost } from './run-in-lab.ts';
import { readHostRecord } from '../private-host/host-record.ts';
import { identifyProcess } from '../system/process-identity.ts';
import { runCommand } from '../system/run-command.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';
import type { FaultTarget } from '../fault/fault-target.ts';

/**
 * A host of a lab as something to be broken.
 * @param cache folder for what is built once.
 * @throws BERTH_NOT_FOUND for no such host, BERTH_CONFLICT when it does not run.
 */
export async function findFaultTarget(
  home: string,
  name: string,
  cache: string,
): Promise<FaultTarget> {
  const known = await findLabHost(home, name);
  const target = await faultTargetOf(known, cache);
  if (target !== undefined) return target;
  throw berthError('BERTH_CONFLICT', {
    what: name,
    why: 'the host does not run',
    remedy: `bring its lab up again first: berth lab up --name ${known.lab.name}`,
  });
}

/** As `findFaultTarget` for a host that is at hand; undefined when it does not run. */
export async function faultTargetOf(
  { dir: labDir, lab, host }: KnownLabHost,
  cache: string,
): Promise<FaultTarget | undefined> {
  const running = await findRunning(labDir, host);
  const process = running && (await identifyProcess(running.host.pid));
  if (running === undefined || process === undefined) return undefined;
  const dir = labHostFolder(labDir, host.index);
  const keeper = lab.keeper?.process.pid;
  const link = labHostLink(host.index);
  return {
    name: labHostName(lab.name, host.index),
    kind: host.kind,
    dir,
    uri: running.host.uri,
    process,
    ...(await groundOf(running, dir)),
    ...(keeper === undefined ? {} : { network: { keeper, bridge: LAB_BRIDGE, link } }),
    cache,
    run: runnerOf(running),
  };
}

async function groundOf(
  { kind }: RunningLabHost,
  dir: string,
): Promise<Pick<FaultTarget, 'cgroups' | 'ownDisk'>> {
  if (kind === 'kvm') return { cgroups: [], ownDisk: true };
  const record = await readHostRecord(dir);
  return { cgroups: record?.cgroups?.paths ?? [], ownDisk: record?.ownDisk ?? false };
}

function runnerOf({ kind, host }: RunningLabHost): FaultTarget['run'] {
  if (kind === 'kvm') return async (argv, options) => host.run(argv, options);
  const env = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
  return async (argv, options) =>
    runCommand([...insideHost(host.pid), ...argv], { ...options, env });
}
