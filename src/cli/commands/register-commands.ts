import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { registerCompletion } from './completion.ts';
import { registerErrors } from './errors.ts';
import { registerHost } from './host.ts';
import { registerLab } from './lab.ts';
import { registerMachine } from './machine.ts';
import { registerOperation } from './operation.ts';
import { registerPlan } from './plan.ts';
import { registerSimulate } from './simulate.ts';
import { registerVm } from './vm.ts';
import { registerVmActions } from './vm-actions.ts';
import { registerXml } from './xml.ts';

/** Adds every command to the program, in the order help shows them. */
export function registerCommands(program: Command, session: Session): void {
  registerMachine(program, session);
  registerHost(program, session);
  const vm = registerVm(program, session);
  registerVmActions(vm, session);
  registerPlan(program, session);
  registerSimulate(program, session);
  registerOperation(program, session);
  registerLab(program, session);
  registerXml(program, session);
  registerErrors(program, session);
  registerCompletion(program, session);
}
