import { parseServers } from '../../api/huawei-trace.ts';
import { readFleet } from '../../api/fleet-file.ts';
import { parseTrace } from '../../api/trace-file.ts';
import { parseWorkload } from '../../api/workload-file.ts';
import type { Workload } from '../../api/workload-file.ts';
import { berthError } from '../../base/errors.ts';
import type { HostSnapshot } from '../../model/host.ts';
import type { Session } from '../session.ts';
import type { SimulateFlags } from './flags.ts';
import { readText } from './input-text.ts';

/**
 * Reads the hosts and the requests that the flags name; without a trace there are no requests.
 * @throws BERTH_USAGE where the flags do not go together or a file cannot be read,
 *   BERTH_SPEC_INVALID with the line or path of what is wrong in one.
 */
export async function readScene(flags: SimulateFlags, session: Session): Promise<Workload> {
  checkFlags(flags);
  if (flags.workload !== undefined) {
    const text = await readText(flags.workload, 'name a workload file (JSON)', session);
    return parseWorkload(text, nameOf(flags.workload));
  }
  const hosts = await readHosts(flags, session);
  if (flags.trace === undefined) return { hosts, arrivals: [] };
  const text = await readText(flags.trace, 'name a trace file (CSV)', session);
  return { hosts, arrivals: parseTrace(text, nameOf(flags.trace)).arrivals };
}

async function readHosts(
  { fleet, servers }: SimulateFlags,
  session: Session,
): Promise<readonly HostSnapshot[]> {
  if (servers !== undefined) {
    const text = await readText(servers, 'name a file of servers (CSV)', session);
    return parseServers(text, nameOf(servers));
  }
  const path = fleet ?? '-';
  return readFleet(await readText(path, 'name a fleet file', session), nameOf(path));
}

/** What goes with what: each complaint with the flags that cause it. */
function checkFlags(flags: SimulateFlags): void {
  const { workload, trace, fleet, servers, forecast = [], policy = [], placements } = flags;
  const hosts = [fleet, servers].filter((file) => file !== undefined);
  const complaints = [
    [
      workload !== undefined && (trace !== undefined || hosts.length > 0),
      '--workload has hosts and requests; --trace, --fleet and --servers exclude it',
    ],
    [hosts.length > 1, '--fleet and --servers exclude each other'],
    [workload === undefined && hosts.length === 0, 'there is nothing to simulate'],
    [
      workload === undefined && trace === undefined && forecast.length === 0,
      'a fleet alone needs --trace or --forecast',
    ],
    [placements !== undefined && policy.length > 1, '--placements goes with one --policy'],
  ] as const;
  const complaint = complaints.find(([holds]) => holds);
  if (complaint === undefined) return;
  throw berthError('BERTH_USAGE', { problem: complaint[1], usage: 'see: berth simulate --help' });
}

function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}
