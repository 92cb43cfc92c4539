import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';
import { answerWithVm } from './vm.ts';

type Action = 'start' | 'stop' | 'reboot' | 'pause' | 'resume';

/** `vm start|stop|reboot|pause|resume|console|rm`. */
export function registerVmActions(vm: Command, session: Session): void {
  const act = async (name: string, action: Action, force = false): Promise<void> => {
    const client = await session.client();
    // Not cut off by the first Ctrl-C: without the answer nobody could tell what has been begun.
    const operation = await client.act(name, action, { force }, session.ports.leave);
    await answerWithVm(session, operation);
  };
  leaf(vm, 'start <name>', {
    does: 'Start a VM where it was placed',
    examples: [['berth vm start web', 'boot it']],
  }).action(async (name: string) => act(name, 'start'));
  leaf(vm, 'stop <name>', {
    does: 'Ask the guest to shut down, or end it at once',
    examples: [
      ['berth vm stop web', 'as if the power button was pressed'],
      ['berth vm stop web --force', 'as if the plug was pulled'],
    ],
  })
    .option('--force', 'end it without asking the guest')
    .action(async (name: string, flags: { readonly force?: true }) =>
      act(name, 'stop', flags.force),
    );
  leaf(vm, 'reboot <name>', {
    does: 'Ask the guest to boot again',
    examples: [['berth vm reboot web', 'it keeps its place']],
  }).action(async (name: string) => act(name, 'reboot'));
  leaf(vm, 'pause <name>', {
    does: 'Hold the vCPUs; memory stays where it is',
    examples: [['berth vm pause web', 'go on with: berth vm resume web']],
  }).action(async (name: string) => act(name, 'pause'));
  leaf(vm, 'resume <name>', {
    does: 'Let a paused VM go on',
    examples: [['berth vm resume web', 'from where it was held']],
  }).action(async (name: string) => act(name, 'resume'));
  registerConsole(vm, session);
  registerRemove(vm, session);
}

function registerConsole(vm: Command, session: Session): void {
  leaf(vm, 'console <name>', {
    does: "Connect to a VM's serial console; Ctrl+] leaves it",
    examples: [
      ['berth vm console hello', 'type into the guest'],
      ["printf 'uname -a\\n' | berth vm console hello", 'send lines, print what comes back'],
      ["berth vm console hello --until 'login:' </dev/null", 'wait for a boot to end'],
    ],
  })
    .option('--force', 'take it from whoever has it')
    .option('--until <text>', 'without a terminal: end when this text has come')
    .option('--timeout <seconds>', 'without a terminal: how long to wait for --until', '60')
    .action(async (name: string, flags: ConsoleFlags) => {
      const { runConsole } = await import('../console.ts');
      await runConsole(session, { name, ...flags, force: flags.force === true });
    });
}

interface ConsoleFlags {
  readonly force?: true;
  readonly until?: string;
  readonly timeout: string;
}

function registerRemove(vm: Command, session: Session): void {
  leaf(vm, 'rm <name>', {
    does: 'Remove a VM and the disks Berth made for it',
    examples: [
      ['berth vm rm web', 'asks first'],
      ['berth vm rm web --force --yes', 'even while it runs, without asking'],
    ],
  })
    .option('--force', 'end it first if it runs')
    .option('--foreign', 'also a domain that Berth did not make; its disks stay')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, flags: RemoveFlags) => removeVm(session, name, flags));
}

interface RemoveFlags {
  readonly force?: true;
  readonly foreign?: true;
  readonly yes?: true;
}

async function removeVm(session: Session, name: string, flags: RemoveFlags): Promise<void> {
  const client = await session.client();
  if (flags.yes !== true) {
    // Looked up first, so that a wrong name is told before anything is asked.
    const vm = await client.vm(name, session.ports.signal);
    const isOurs = vm.managed && vm.adopted !== true;
    const rest = isOurs ? 'and the disks Berth made for it' : 'and leave its disks';
    const question = `remove ${vm.name} (${vm.state}) ${rest}?`;
    const { ask } = await import('../ask.ts');
    if (!(await ask(session, question))) {
      await session.note('nothing was removed');
      session.status = 1;
      return;
    }
  }
  const force = flags.force === true;
  const foreign = flags.foreign === true;
  const operation = await client.removeVm(name, { force, foreign }, session.ports.leave);
  const { followOperation } = await import('../follow-operation.ts');
  const last = await followOperation(session, operation);
  await session.answer(last, () => `removed ${name}\n`);
}
