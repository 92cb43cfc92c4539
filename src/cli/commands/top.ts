import { Option } from 'commander';
import type { Command } from 'commander';
import { USAGE_FIGURES } from '../../api/metrics.ts';
import type { UsageFigure } from '../../api/metrics.ts';
import type { Session } from '../session.ts';
import type { TopList } from '../top-page.ts';
import { leaf } from './leaf.ts';

interface TopFlags {
  readonly hosts?: true;
  readonly sort: UsageFigure;
  readonly once?: true;
}

/** How many are shown where there is no screen to fill. */
const LISTED = 50;

/** `top`. */
export function registerTop(program: Command, session: Session): void {
  leaf(program, 'top', {
    does: 'Show the VMs, or the hosts, that use most at present',
    examples: [
      ['berth top', 'as it changes; q ends it'],
      ['berth top --sort wait --once', 'whose vCPUs wait most for a pCPU, once'],
      ['berth top --hosts', 'the hosts that are busiest'],
      ["berth top --json | jq -r '.vms[0].name'", 'the VM that uses most CPU'],
    ],
  })
    .option('--hosts', 'hosts in place of VMs')
    .addOption(
      new Option('--sort <figure>', 'by what').choices(USAGE_FIGURES).default('cpu' as const),
    )
    .option('--once', 'print a table and end, also on a terminal')
    .action(async (flags: TopFlags) => showTop(session, flags));
}

async function showTop(session: Session, { hosts, sort, once }: TopFlags): Promise<void> {
  const client = await session.client();
  const { signal } = session.ports;
  const ask = async (by: UsageFigure, limit: number): Promise<TopList> =>
    hosts === true
      ? client.hostUsage({ sort: by, limit }, signal)
      : client.vmUsage({ sort: by, limit }, signal);
  const isScreen = session.out.live && session.ports.stdin.isTTY === true;
  if (isScreen && once !== true && !session.json) {
    const { topScreen } = await import('../top-screen.ts');
    return topScreen(session, sort, ask);
  }
  const list = await ask(sort, LISTED);
  await session.answer(list, async () => {
    const { topPage } = await import('../top-page.ts');
    return topPage(list, sort, session.out);
  });
}
