import type { CommanderError } from 'commander';
import { berthError } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';

/** The coded error for a command line that the parser refuses, with its did-you-mean as the hint. */
export function usageError(error: CommanderError, words: readonly string[]): BerthError {
  const [first = '', ...rest] = error.message.split('\n');
  const meant = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const help = `see: berth ${[...words, '--help'].join(' ')}`;
  return berthError('BERTH_USAGE', {
    problem: first.replace(/^error: /, ''),
    usage: meant === undefined ? help : `did you mean ${meant}? ${help}`,
  });
}
