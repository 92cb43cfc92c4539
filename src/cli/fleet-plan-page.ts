import type { ChangeCost } from '../api/change.ts';
import type { FleetDriftView, FleetPlanView, VmPlanView } from '../api/declare.ts';
import { changeLines, driftLines } from './change-lines.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { legendOf, planPage, planPart, seatLine } from './plan-page.ts';
import type { PlanDetail } from './plan-page.ts';
import { printable } from './printable.ts';

type Painter = ReturnType<typeof painter>;

/** The text of a plan of several VMs: what becomes of each, and the sum of it. */
export function fleetPlanPage(view: FleetPlanView, look: Look, { isVerbose }: PlanDetail): string {
  const { vms } = printable(view);
  const c = painter(look);
  const shown = vms.filter((vm) => vm.action !== 'unchanged' || vm.pending.length > 0);
  const isLine = (vm: VmPlanView): boolean =>
    vm.action === 'remove' || (vm.action === 'create' && vm.plan.placed && !isVerbose);
  const lines = shown.filter(isLine).map((vm) => vmPart(vm, look, c));
  const parts = shown.filter((vm) => !isLine(vm)).map((vm) => vmPart(vm, look, c, isVerbose));
  const created = vms.flatMap((vm) => (vm.action === 'create' ? [vm.plan] : []));
  const legend = isVerbose ? legendOf(created, look) : [];
  return [
    ...(lines.length === 0 ? [] : [lines.join('')]),
    ...parts,
    ...(legend.length === 0 ? [] : [block(legend)]),
    `${planSummary(view)}\n`,
  ].join('\n');
}

/** `2 to create, 1 to change, 3 as they should be`. */
export function planSummary({ vms }: FleetPlanView): string {
  const words = {
    create: 'to create',
    update: 'to change',
    blocked: 'that cannot be made so',
    remove: 'to remove',
    unchanged: 'as they should be',
  } as const;
  const counted = Object.entries(words).flatMap(([action, text]) => {
    const count = vms.filter((vm) => vm.action === action).length;
    return count === 0 ? [] : [`${count} ${text}`];
  });
  return counted.length === 0 ? 'no VM' : counted.join(', ');
}

function vmPart(vm: VmPlanView, look: Look, c: Painter, isVerbose = false): string {
  switch (vm.action) {
    case 'create':
      if (vm.plan.placed && !isVerbose) return block([seatLine(vm.plan, c)]);
      return planPart(vm.plan, look);
    case 'update':
      return block([
        `${c.bold(vm.vm)} ${c.yellow('changes')} on ${vm.host}: ${costText(vm.cost)}`,
        ...changeLines(vm.changes, c),
        ...driftLines(vm.drift, c),
        ...(vm.plan === undefined || vm.plan.placed ? [] : ['', planPage(vm.plan, look).trimEnd()]),
      ]);
    case 'unchanged':
      return block([
        `${c.bold(vm.vm)} is as it should be on ${vm.host}, but for what its next start brings`,
        ...changeLines(vm.pending, c),
      ]);
    case 'blocked':
      return block([
        `${c.bold(vm.vm)} ${c.red('cannot be made so')} on ${vm.host}: ${vm.why}`,
        `  ${vm.remedy}`,
        ...changeLines(vm.changes, c),
      ]);
    case 'remove':
      return block([
        `${c.bold(vm.vm)} ${c.red('goes')} from ${vm.host}: no document names it` +
          (vm.running ? '; it runs' : ''),
      ]);
  }
}

/** The text of `drift`: every VM that is not as its document says. */
export function driftPage(view: FleetDriftView, look: Look): string {
  const { vms } = printable(view);
  const c = painter(look);
  if (vms.length === 0) return 'every VM is as its document says\n';
  return vms
    .map(({ vm, host, drift }) => block([`${c.bold(vm)} on ${host}`, ...driftLines(drift, c)]))
    .join('\n');
}

function costText(cost: ChangeCost): string {
  switch (cost) {
    case 'live':
      return 'at once';
    case 'next boot':
      return 'at its next start';
    case 'restart':
      return 'only while no guest runs';
    case 'recreate':
      return 'only by making it anew';
  }
}

function block(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
