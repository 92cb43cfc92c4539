import type { Command } from 'commander';
import { berthError } from '../base/errors.ts';

/** Which VMs go that no document names. */
export interface PruneFlags {
  readonly prune?: true;
  readonly selector?: string;
  readonly allManaged?: true;
}

/** The flags that say so, for a command that only tells of it too. */
export function addPruneFlags(command: Command, does: string): Command {
  return command
    .option('--prune', `${does} VMs that no document names; needs -l or --all-managed`)
    .option('-l, --selector <labels>', 'with --prune: only VMs with these labels, such as app=web')
    .option('--all-managed', 'with --prune: every VM that Berth made');
}

/** @throws BERTH_USAGE when it is not said which VMs may go. */
export function pruned(
  { prune, selector, allManaged }: PruneFlags,
  command: string,
): { readonly prune?: string } {
  const wrong = (problem: string): Error =>
    berthError('BERTH_USAGE', { problem, usage: `see: berth ${command} --help` });
  if (prune !== true) {
    if (selector === undefined && allManaged !== true) return {};
    throw wrong('-l and --all-managed say what --prune removes: without it nothing is removed');
  }
  if ((selector === undefined) === (allManaged !== true)) {
    throw wrong('--prune needs one of -l and --all-managed: which VMs may go');
  }
  return { prune: selector ?? '' };
}
