import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { registerAudit } from './audit.ts';
import { registerApply } from './apply.ts';
import { registerCompletion } from './completion.ts';
import { registerErrors } from './errors.ts';
import { registerEvents } from './events.ts';
import { registerHost } from './host.ts';
import { registerLab } from './lab.ts';
import { registerLogin } from './login.ts';
import { registerMachine } from './machine.ts';
import { registerOperation } from './operation.ts';
import { registerPlan } from './plan.ts';
import { registerSchema } from './schema.ts';
import { registerServe } from './serve.ts';
import { registerSimulate } from './simulate.ts';
import { registerToken } from './token.ts';
import { registerTop } from './top.ts';
import { registerVm } from './vm.ts';
import { registerVmChanges } from './vm-change.ts';
import { registerVmActions } from './vm-actions.ts';
import { registerXml } from './xml.ts';

/** Adds every command to the program, in the order help shows them. */
export function registerCommands(program: Command, session: Session): void {
  registerMachine(program, session);
  registerServe(program, session);
  registerHost(program, session);
  const vm = registerVm(program, session);
  registerVmActions(vm, session);
  registerVmChanges(vm, session);
  registerTop(program, session);
  registerPlan(program, session);
  registerApply(program, session);
  registerSchema(program, session);
  registerSimulate(program, session);
  registerOperation(program, session);
  registerEvents(program, session);
  registerLogin(program, session);
  registerToken(program, session);
  registerAudit(program, session);
  registerLab(program, session);
  registerXml(program, session);
  registerErrors(program, session);
  registerCompletion(program, session);
}
