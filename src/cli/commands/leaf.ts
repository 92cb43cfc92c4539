import type { Command } from 'commander';

/** What help says of a command. */
export interface CommandText {
  /** One sentence without its full stop. */
  readonly does: string;
  /** Command lines that work as they stand, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
}

/** Adds a command that does something: with --json, and examples in its help. */
export function leaf(parent: Command, signature: string, text: CommandText): Command {
  return parent
    .command(signature)
    .description(text.does)
    .option('--json', 'print one JSON document, errors included')
    .addHelpText('after', examplesText(text.examples));
}

/** Adds a command that only holds others. */
export function branch(parent: Command, name: string, does: string): Command {
  return parent.command(name).description(does);
}

function examplesText(examples: CommandText['examples']): string {
  const width = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, does]) => `  $ ${line.padEnd(width)}  # ${does}`);
  return `\nExamples:\n${lines.join('\n')}`;
}
