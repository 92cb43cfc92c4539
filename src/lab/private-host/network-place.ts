import { LEFT_BEHIND } from './init-process.ts';
import { runCommand } from '../system/run-command.ts';

const IP_DEADLINE_MS = 10_000;

/** Where a host stands on the network of a lab, which is a network namespace with a bridge. */
export interface NetworkPlace {
  /** The process whose network and pid namespaces the lab is; the host ends with it. */
  readonly keeper: number;
  /** The lab's bridge. */
  readonly bridge: string;
  /** The host's link there, whose other end is eth0 in the host. */
  readonly link: string;
  /** The address of the host's own bridge br0, with the length of its prefix. */
  readonly address: string;
  /** A file with the names of all hosts, in the form of /etc/hosts. */
  readonly hosts: string;
}

/**
 * The command that starts another one in a lab's network and pid namespaces, and ends at once: the
 * other one is left to the keeper, which reaps it.
 */
export function withinLab(keeper: number): readonly string[] {
  const namespaces = [`--net=/proc/${keeper}/ns/net`, `--pid=/proc/${keeper}/ns/pid`];
  return ['nsenter', ...namespaces, '--', ...LEFT_BEHIND];
}

/** The command that runs another one in a lab's network alone: it does not end with the lab. */
export function onLabNetwork(keeper: number): readonly [string, ...string[]] {
  return ['nsenter', `--net=/proc/${keeper}/ns/net`, '--'];
}

/** Gives a host its NIC: a pair of links, one on the lab's bridge, one in the host's namespace. */
export async function connectToLab(
  { keeper, bridge, link }: NetworkPlace,
  hostPid: number,
  signal: AbortSignal,
): Promise<void> {
  const commands = [
    `link add ${link} type veth peer name eth0 netns ${hostPid}`,
    `link set ${link} master ${bridge}`,
    `link set ${link} up`,
  ];
  await runCommand([...onLabNetwork(keeper), 'ip', '-batch', '-'], {
    input: `${commands.join('\n')}\n`,
    deadlineMs: IP_DEADLINE_MS,
    signal,
  });
}
