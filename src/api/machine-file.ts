import { z } from 'zod';
import { berthError, isBerthError } from '../base/errors.ts';
import { parseIntSet } from '../base/int-set.ts';
import { KIB, parseSize } from '../base/units.ts';
import { machineTopology } from '../model/machine.ts';
import {
  CELL_ORDERS,
  MACHINE_CELLS_MAX,
  MACHINE_CPUS_MAX,
  MACHINE_PCI_MAX,
  MACHINE_WORDS,
  SIBLING_ORDERS,
} from '../model/machine-description.ts';
import type { MachineDescription } from '../model/machine-description.ts';
import { topologyProblems } from '../model/topology.ts';
import type { HostTopology } from '../model/topology.ts';
import { topologyView } from './resources.ts';
import { coded, specError } from './schema-error.ts';
import { parseYamlDocuments } from './yaml-document.ts';

/** A machine as a person or a program wrote it down. */
export type MachineSource =
  | { readonly kind: 'description'; readonly description: MachineDescription }
  | { readonly kind: 'topology'; readonly topology: HostTopology };

/**
 * Reads a machine file: YAML or JSON with either the keys of `machineDocument`, or a snapshot, which
 * is anything with a `topology` as `GET /hosts/NAME` answers it.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID with the line and column of the offending key, BERTH_TOO_LARGE.
 */
export function parseMachineText(text: string, where: string): MachineSource {
  const [document, second] = parseYamlDocuments(text, where);
  if (document === undefined || second !== undefined) {
    throw berthError('BERTH_SPEC_INVALID', {
      where,
      problem: document === undefined ? 'there is no machine in it' : 'there are several documents',
      expected: 'one machine, such as "cores: 8" and "memory: 32GiB"',
    });
  }
  return document.check((value) =>
    typeof value === 'object' && value !== null && 'topology' in value
      ? { kind: 'topology', topology: parseTopology(value) }
      : { kind: 'description', description: parseDescription(value) },
  );
}

/** The keys of the shorthand, with a value for each and what it says: for a command's help. */
export const MACHINE_SHORTHAND = [
  { key: 'sockets', example: '2', meaning: 'sockets of the machine (1)' },
  { key: 'cells', example: '4', meaning: 'cells of a socket (1); 0: one cell over all sockets' },
  { key: 'dies', example: '2', meaning: 'dies of a socket (1)' },
  { key: 'cores', example: '64', meaning: 'cores of a socket; must be given' },
  { key: 'threads', example: '2', meaning: 'threads of a core (1)' },
  { key: 'memory', example: '128GiB', meaning: 'memory of a cell; must be given' },
  { key: 'pages', example: '1024x2MiB,8x1GiB', meaning: 'huge pages of a cell (none)' },
  { key: 'l3', example: '8', meaning: 'cores that share an L3 cache, or none (the socket)' },
  { key: 'l3-size', example: '32MiB', meaning: 'size of an L3 cache (32MiB)' },
  { key: 'distances', example: '12,32', meaning: 'within a socket and between sockets (12,21)' },
  { key: 'memory-only', example: '256GiB@1', meaning: 'a cell without CPUs, near cell 1 (0)' },
  { key: 'offline', example: '3,17-18', meaning: 'CPUs that are switched off (none)' },
  { key: 'siblings', example: 'adjacent', meaning: 'numbers of second threads: last or adjacent' },
  {
    key: 'order',
    example: 'round-robin',
    meaning: 'CPU numbers over cells: blocks or round-robin',
  },
  {
    key: 'core-ids',
    example: '0-3,8-11',
    meaning: 'the kernel’s core numbers in a die (0, 1, ...)',
  },
  { key: 'arch', example: 'aarch64', meaning: `${MACHINE_WORDS.join(' or ')} (x86_64)` },
] as const;

/**
 * Reads a machine from one word of a command line: `key=value` pairs joined by commas, the keys of
 * MACHINE_SHORTHAND. A value may hold commas itself, as in
 *
 *     sockets=2,cells=4,cores=64,threads=2,l3=8,memory=64GiB,pages=1024x2MiB,8x1GiB,offline=3,17-18
 * @throws BERTH_SPEC_INVALID with the column of the offending key.
 */
export function parseMachineShorthand(text: string): MachineDescription {
  const pairs = splitPairs(text);
  const document = Object.fromEntries(
    pairs.map(({ key, value }) => [key, shorthandValue(key, value)]),
  );
  try {
    return parseDescription(document);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    const key = /^\w+/.exec(error.data.where)?.[0];
    const at = pairs.find((pair) => pair.key === key);
    const { problem, expected } = error.data;
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'machine',
      ...(at === undefined ? {} : { line: 1, column: at.column }),
      problem: `${at?.typed ?? error.data.where}: ${problem}`,
      expected,
    });
  }
}

const size = z.string().transform((text, context) => coded(context, () => parseSize(text, '')));
const count = z.number().int().nonnegative();
const distance = z.number().int();
const cpuList = z
  .union([z.string(), count])
  .transform((text, context) => coded(context, () => parseIntSet(String(text), '')));

/** `{ 2MiB: 1024 }`: how many pages of which size. */
const pages = z.record(z.string(), count).transform((counts, context) =>
  Object.entries(counts).map(([text, pageCount]) => ({
    sizeKiB: coded(context, () => parseSize(text, '') / KIB),
    count: pageCount,
  })),
);

/** YAML reads an unquoted 0x8086 as a number; that is what was meant. */
const hexadecimal = (digits: number) =>
  z
    .union([z.string(), count])
    .transform((code) =>
      typeof code === 'string' ? code : `0x${code.toString(16).padStart(digits, '0')}`,
    );

/** What is written of a machine, as `MachineDescription` explains; sizes with their unit. */
export const machineDocument = z.strictObject({
  arch: z.enum(MACHINE_WORDS).optional(),
  sockets: count.optional(),
  dies: count.optional(),
  cells: count.optional(),
  cores: count,
  threads: count.optional(),
  l3: z.union([count, z.literal('none')], 'must be a number of cores, or none').optional(),
  l3Size: size.optional(),
  memory: size,
  pages: pages.optional(),
  distances: z
    .union([
      z.strictObject({ near: distance, far: distance }),
      z.array(z.array(distance).max(MACHINE_CELLS_MAX)).max(MACHINE_CELLS_MAX),
    ])
    .optional(),
  memoryOnly: z
    .array(
      z.strictObject({
        memory: size,
        pages: pages.optional(),
        at: count.optional(),
        distance: distance.optional(),
      }),
    )
    .max(MACHINE_CELLS_MAX)
    .optional(),
  offline: cpuList.optional(),
  uneven: z
    .array(
      z.strictObject({
        cell: count,
        cores: count.optional(),
        memory: z.union([size, z.literal(0)]).optional(),
        pages: pages.optional(),
      }),
    )
    .max(MACHINE_CELLS_MAX)
    .optional(),
  siblings: z.enum(SIBLING_ORDERS).optional(),
  order: z.enum(CELL_ORDERS).optional(),
  coreIds: z.union([z.array(count).max(MACHINE_CPUS_MAX), cpuList]).optional(),
  pci: z
    .array(
      z.strictObject({
        address: z.string(),
        cell: count.optional(),
        class: hexadecimal(6),
        vendor: hexadecimal(4),
        device: hexadecimal(4),
      }),
    )
    .max(MACHINE_PCI_MAX)
    .optional(),
});

/**
 * Reads a machine from the keys of `machineDocument`.
 * @throws BERTH_SPEC_INVALID naming the key.
 */
export function parseDescription(value: unknown): MachineDescription {
  const result = machineDocument.safeParse(value);
  if (!result.success) throw specError(result.error.issues);
  const description = renamed(result.data);
  machineTopology(description); // checks what only all keys together show
  return description;
}

/** Sizes carry their unit in the model's names. */
function renamed(document: z.output<typeof machineDocument>): MachineDescription {
  const { memory, l3Size, memoryOnly, uneven, ...rest } = document;
  return defined<MachineDescription>({
    ...rest,
    memoryBytes: memory,
    l3Bytes: l3Size,
    memoryOnly: memoryOnly?.map(({ memory: own, ...cell }) =>
      defined({ ...cell, memoryBytes: own }),
    ),
    uneven: uneven?.map(({ memory: own, ...cell }) => defined({ ...cell, memoryBytes: own })),
    pci: document.pci?.map((placed) => defined(placed)),
  });
}

/** Leaves out the keys whose value is undefined, as exact optional properties ask. */
function defined<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}

const snapshot = z.object({ topology: topologyView });

function parseTopology(value: unknown): HostTopology {
  const result = snapshot.safeParse(value);
  if (!result.success) throw specError(result.error.issues);
  // The schema's optional keys may be undefined, which JSON cannot hold.
  const topology = result.data.topology as HostTopology;
  const [problem] = [...topologyProblems(topology), ...amountProblems(topology)];
  if (problem === undefined) return topology;
  const expected = 'a snapshot as Berth wrote it';
  throw berthError('BERTH_SPEC_INVALID', { where: 'topology', problem, expected });
}

function amountProblems({ cells }: HostTopology): readonly string[] {
  const amounts = cells.flatMap(({ memoryBytes, freeBytes, pages: pools }) => [
    memoryBytes / KIB,
    freeBytes / KIB,
    ...pools.flatMap((pool) => [pool.sizeKiB, pool.total, pool.free]),
  ]);
  return amounts.filter((amount) => amount < 0).map(() => 'an amount is below zero');
}

interface Pair {
  /** The key of `machineDocument`. */
  readonly key: string;
  readonly typed: string;
  readonly value: string;
  /** From 1. */
  readonly column: number;
}

/** A part without a key belongs to the value before it. */
function splitPairs(text: string): readonly Pair[] {
  const starts = [...text.matchAll(/(?:^|,)([^,=]*)=/g)];
  const [first] = starts;
  if (first?.index !== 0) throw wrongPair(text, { column: 1, problem: 'is no key' });
  return starts.map((match, index) => {
    const typed = match[1] ?? '';
    const begin = match.index + match[0].length;
    const column = begin - typed.length;
    const twice = starts.findIndex((other) => other[1] === typed) < index;
    if (twice || !MACHINE_SHORTHAND.some(({ key }) => key === typed)) {
      throw wrongPair(typed, { column, problem: twice ? 'is there twice' : 'is no key' });
    }
    const value = text.slice(begin, starts[index + 1]?.index);
    return { key: camelCase(typed), typed, value, column };
  });
}

function wrongPair(text: string, { column, problem }: { column: number; problem: string }): Error {
  return berthError('BERTH_SPEC_INVALID', {
    where: 'machine',
    line: 1,
    column,
    problem: `"${text.slice(0, 40)}" ${problem}`,
    expected: `key=value, the key one of ${MACHINE_SHORTHAND.map(({ key }) => key).join(', ')}`,
  });
}

function camelCase(words: string): string {
  return words.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Keys whose value is text even where it is digits. */
const TEXT_KEYS = new Set(['memory', 'l3Size', 'offline', 'coreIds']);

/** What a value of the shorthand means in the document; what fits no form is left for the schema. */
function shorthandValue(key: string, value: string): unknown {
  if (key === 'pages') {
    const counts = value
      .split(',')
      .map((part) => /^(\d{1,9})x(.+)$/.exec(part) ?? [part, '', part]);
    return Object.fromEntries(counts.map(([, pageCount, text]) => [text, number(pageCount ?? '')]));
  }
  if (key === 'distances') {
    const [near, far = near] = value.split(',').map(number);
    return { near, far };
  }
  if (key === 'memoryOnly') {
    return value.split(',').map((part) => {
      const [memory, at] = part.split('@');
      return { memory, ...(at === undefined ? {} : { at: number(at) }) };
    });
  }
  return TEXT_KEYS.has(key) ? value : number(value);
}

function number(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}
