import { Option } from 'commander';
import type { Command } from 'commander';
import { POLICIES } from '../../engine/policy/policy.ts';
import type { Session } from '../session.ts';
import type { SimulateFlags } from '../simulate/flags.ts';
import { leaf } from './leaf.ts';

/** `simulate`: a trace of requests replayed against a fleet that need not exist. */
export function registerSimulate(program: Command, session: Session): void {
  leaf(program, 'simulate', {
    does: 'Replay requests against a fleet file and say what fits; no host is touched',
    examples: [
      ['berth simulate --workload churn.json', 'how many fit, and how full the hosts are'],
      ['berth simulate --workload w.json --policy pack --policy spread', 'policies side by side'],
      ['berth simulate --trace t.csv.gz --fleet f.yaml --report r.html', 'plots over time'],
      ['berth simulate --fleet f.yaml --forecast 8c32g', 'how many more such VMs fit now'],
    ],
  })
    .option('--workload <file>', 'hosts and requests in one JSON file; - reads standard input')
    .option('--trace <file>', 'requests as CSV, perhaps gzipped')
    .option('--fleet <file>', 'hosts that the requests of --trace are placed on')
    .option('--servers <file>', 'the same as CSV of two-cell servers (Huawei data)')
    .addOption(
      new Option('--policy <name>', 'how hosts are chosen; can be given several times')
        .choices(POLICIES.map(({ name }) => name))
        // In place of the check of the choices: a name that is nearly right is told.
        .argParser(collect),
    )
    .addOption(
      new Option(
        '--lifetimes <source>',
        'guessed from VMs that left, for a policy that asks',
      ).choices(['history', 'none']),
    )
    .option('--placements <file>', 'write where each VM sits, a line of JSON for each')
    .option('--report <file>', 'write plots: an .html file, or a folder of SVG files')
    .option('--forecast <vm>', '8c32g or a spec file: how many more would fit', collect)
    .action(async (flags: SimulateFlags) => {
      const { simulate } = await import('../simulate/simulate.ts');
      await simulate(session, flags);
    });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
