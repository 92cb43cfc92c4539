import type { Command, Option } from 'commander';

/** What may stand at a place that only the server, or a look at this machine, can tell. */
export type NameKind =
  | 'vm'
  | 'host'
  | 'operation'
  | 'lab'
  | 'lab-host'
  /** A lab or a host of one. */
  | 'lab-target'
  | 'machine'
  | 'fault';

/** Options whose value is a name, and of what. */
const OPTION_NAMES: Readonly<Record<string, NameKind>> = {
  '--host': 'host',
  '--machine': 'machine',
  '--mend': 'fault',
};

/** Names of what exists already, by command and by argument. */
const ARGUMENT_NAMES: Readonly<Record<string, readonly NameKind[]>> = {
  'lab ls': ['lab'],
  'lab down': ['lab'],
  'lab exec': ['lab-target'],
  'lab break': ['lab-host', 'fault'],
  'lab machines': ['machine'],
  'berth why': ['vm'],
};

/** The same for all commands of a group; those that make something new are not asked about. */
const GROUP_NAMES: Readonly<Record<string, NameKind>> = {
  vm: 'vm',
  host: 'host',
  operation: 'operation',
};

/** Commands whose first arguments are files, and how many of them are. */
const FILE_ARGUMENTS: Readonly<Record<string, number>> = {
  'xml check': Number.POSITIVE_INFINITY,
  'xml set': 1,
};

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
    if (/<(?:file|folder)>$/.test(option.flags)) return { words: [], files: true };
    const names = OPTION_NAMES[option.long ?? ''];
    // A path is told from a name by its first character or a slash.
    if (names === 'machine' && /^[./~]|\//.test(typed)) return { words: [], files: true };
    if (names !== undefined) return { words: [], names };
    return { words: startingWith(option.argChoices ?? [], typed) };
  }
  if (typed.startsWith('-')) {
    const flags = command.options.filter((one) => !one.hidden).map((one) => one.long ?? '');
    return { words: startingWith([...flags, '--help'], typed) };
  }
  if (given < (FILE_ARGUMENTS[pathOf(command)] ?? 0)) return { words: [], files: true };
  const subcommands = command.commands.map((one) => one.name());
  const names = nameKind(command, given);
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
function nameKind(command: Command, given: number): NameKind | undefined {
  if (command.registeredArguments.length === 0 || command.name() === 'create') return undefined;
  const own = ARGUMENT_NAMES[pathOf(command)];
  if (own !== undefined) return own[given];
  const group = command.parent?.name() ?? '';
  return given === 0 ? GROUP_NAMES[group] : undefined;
}

/** A command with the group that it is of: `vm stop`, and `berth why` for one of none. */
function pathOf(command: Command): string {
  return `${command.parent?.name() ?? ''} ${command.name()}`;
}

function argumentChoices(command: Command, given: number): readonly string[] {
  return command.registeredArguments[given]?.argChoices ?? [];
}

function startingWith(words: readonly string[], start: string): readonly string[] {
  return words.filter((word) => word !== '' && word.startsWith(start));
}
