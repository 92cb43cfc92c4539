import type { Command, Option } from 'commander';

/** What may stand at a place that only the server can tell. */
export type NameKind = 'vm' | 'host' | 'operation';

/** Words that fit at the cursor, and the kind of names that fit besides. */
export interface Completion {
  readonly words: readonly string[];
  readonly names?: NameKind;
  /** Names of files fit. */
  readonly files?: true;
}

/**
 * What may stand where the cursor is.
 * @param words the words after `berth`; the last is the one being typed, maybe empty.
 */
export function complete(program: Command, words: readonly string[]): Completion {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, arguments: given } = commandFor(program, before);
  const option = command.options.find((one) => isNamed(one, before.at(-1)));
  if (option !== undefined && (option.required || option.optional)) {
    if (option.long === '--file') return { words: [], files: true };
    if (option.long === '--host') return { words: [], names: 'host' };
    return { words: startingWith(option.argChoices ?? [], typed) };
  }
  if (typed.startsWith('-')) {
    const flags = command.options.filter((one) => !one.hidden).map((one) => one.long ?? '');
    return { words: startingWith([...flags, '--help'], typed) };
  }
  const subcommands = command.commands.map((one) => one.name());
  const names = given === 0 ? nameKind(command) : undefined;
  return {
    words: startingWith([...subcommands, ...argumentChoices(command, given)], typed),
    ...(names === undefined ? {} : { names }),
  };
}

/** The command that the words reach, and how many arguments they give it already. */
function commandFor(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly arguments: number } {
  let command = program;
  let count = 0;
  let skip = false;
  for (const word of words) {
    const option = command.options.find((one) => isNamed(one, word));
    const next = command.commands.find((one) => one.name() === word);
    if (skip) skip = false;
    else if (option !== undefined) skip = option.required || option.optional;
    else if (next !== undefined) command = next;
    else if (!word.startsWith('-')) count++;
  }
  return { command, arguments: count };
}

function isNamed(option: Option, word: string | undefined): boolean {
  return word !== undefined && (option.long === word || option.short === word);
}

/** Names that exist already fit everywhere but where a new one is made. */
function nameKind(command: Command): NameKind | undefined {
  if (command.registeredArguments.length === 0 || command.name() === 'create') return undefined;
  if (command.name() === 'why' || command.parent?.name() === 'vm') return 'vm';
  const kinds: Readonly<Record<string, NameKind>> = { host: 'host', operation: 'operation' };
  return kinds[command.parent?.name() ?? ''];
}

function argumentChoices(command: Command, given: number): readonly string[] {
  return command.registeredArguments[given]?.argChoices ?? [];
}

function startingWith(words: readonly string[], start: string): readonly string[] {
  return words.filter((word) => word !== '' && word.startsWith(start));
}
