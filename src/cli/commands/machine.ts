import type { Command } from 'commander';
import { Option } from 'commander';
import type { HostView, VmView } from '../../api/resources.ts';
import type { Session } from '../session.ts';
import type { ChecklistFlags } from '../with-checklist.ts';
import { withChecklist } from '../with-checklist.ts';
import { leaf } from './leaf.ts';

interface UpFlags extends ChecklistFlags {
  readonly accel?: 'kvm' | 'tcg';
}

interface DownFlags extends ChecklistFlags {
  readonly purge?: true;
}

/** `up` and `down`: this machine made ready, and taken back. */
export function registerMachine(program: Command, session: Session): void {
  leaf(program, 'up', {
    does: 'Make this machine ready: hypervisor, server, and a first VM called hello',
    examples: [
      ['berth up', 'shows what it needs and asks before installing packages'],
      ['berth up --yes', 'asks nothing; for scripts'],
      ['berth up --accel tcg', 'emulate guests even where KVM would work'],
    ],
  })
    .option('-y, --yes', 'install what is needed without asking')
    .addOption(
      new Option('--accel <accelerator>', 'how guests run; chosen by itself otherwise').choices([
        'kvm',
        'tcg',
      ]),
    )
    .option('--verbose', 'show every detail as a line of its own')
    .action(async (flags: UpFlags) => up(session, flags));
  leaf(program, 'down', {
    does: 'End everything that up started',
    examples: [
      ['berth down', 'state is kept; berth up goes on with it'],
      ['berth down --purge', 'also removes all state, VMs and disks included'],
    ],
  })
    .option('--purge', 'also remove all state')
    .option('-y, --yes', 'do not ask')
    .option('--verbose', 'show every detail as a line of its own')
    .action(async (flags: DownFlags) => down(session, flags));
}

async function up(session: Session, flags: UpFlags): Promise<void> {
  const { local } = session.ports;
  const accel = flags.accel === undefined ? {} : { accel: flags.accel };
  const result = await withChecklist(session, flags, async (options) =>
    local.up({ ...options, ...accel }),
  );
  const client = await session.localClient();
  const host = await client.host(result.hostName, session.ports.signal);
  const vm = await client.vm(result.vm, session.ports.signal);
  const resource = { hostName: result.hostName, vm, changed: result.changed };
  await session.answer(resource, () => welcomeText(session, host, vm, result.changed));
}

async function down(session: Session, flags: DownFlags): Promise<void> {
  const { local, home } = session.ports;
  const purge = flags.purge === true;
  const { changed } = await withChecklist(session, flags, async (options) =>
    local.down({ ...options, purge }),
  );
  await session.answer({ changed, purged: purge }, () => {
    if (!changed) return 'nothing was up; nothing changed\n';
    return purge ? 'everything is down\n' : `everything is down; its state stays in ${home}\n`;
  });
}

/** What `up` ends with: the map, where the first VM sits, and what to try next. */
async function welcomeText(
  session: Session,
  host: HostView,
  vm: VmView,
  changed: boolean,
): Promise<string> {
  const { renderMap } = await import('../map.ts');
  const { seatLines } = await import('../vm-page.ts');
  const { painter } = await import('../look.ts');
  const { printableText } = await import('../printable.ts');
  const c = painter(session.out);
  const name = printableText(vm.name);
  const place =
    vm.placement === undefined ? [] : [...seatLines(vm.placement, host, session.out), ''];
  const { calledAs = 'berth' } = session.ports;
  const next = [
    [`${calledAs} vm console ${name}`, 'type into it; Ctrl+] leaves'],
    [`${calledAs} why ${name}`, 'why it sits where it sits'],
    [`${calledAs} vm create web --memory 1GiB --print-spec`, 'the spec of a VM of your own'],
  ] as const;
  const width = Math.max(...next.map(([line]) => line.length));
  return [
    '',
    renderMap(host, session.out),
    `${c.bold(name)} is ${vm.state} on ${printableText(vm.host)} (${printableText(vm.accelerator)})`,
    ...place,
    changed ? c.green('ready') : c.green('everything was up already; nothing changed'),
    'try next:',
    ...next.map(([line, does]) => `  ${c.cyan(line.padEnd(width))}  ${c.dim(does)}`),
    '',
  ].join('\n');
}
