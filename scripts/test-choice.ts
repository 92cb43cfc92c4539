/** Which tests a command line asks for. */
export interface TestChoice {
  /** What every change runs; what takes long, or tries again with other seeds. */
  readonly tiers: { readonly quick: boolean; readonly beyond: boolean };
  /** Rooms, folders or files below `test/` without their endings; empty for all. */
  readonly places: readonly string[];
  /** Format, types, lint and dead code alone. */
  readonly checksOnly: boolean;
  /** Whether missing packages may be installed. */
  readonly install: boolean;
  /** Repeats the property tests of one round, and nothing else. */
  readonly seed?: number;
}

export const USAGE = `usage: npm test [-- PLACE ...]
       npm run test:all [-- [--beyond] [--seed N] PLACE ...]
  PLACE          a room, folder or file below test/: engine, lab/machine, server/life-cycle
  --beyond       only what npm test leaves out: long tests, and properties with fresh seeds
  --seed N       only the properties, with the seed that a failed round told
  --no-install   installs no package
  --checks-only  only format, types, lint and dead code (npm run check)`;

/** Seeds of fast-check are 32-bit integers. */
export const SEED_MAX = 0x7fff_ffff;

/** @returns undefined for words that cannot be understood. */
export function parseChoice(words: readonly string[]): TestChoice | undefined {
  const flags = new Set<string>();
  const places: string[] = [];
  let seed: number | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--seed') seed = Number(words[++at]);
    else if (word.startsWith('-')) flags.add(word);
    else places.push(word.replace(/^test\//, '').replace(/(\.test)?\.ts$|\/$/, ''));
  }
  const known = new Set(['--all', '--beyond', '--no-install', '--checks-only']);
  if (flags.difference(known).size > 0 || !isSeed(seed)) return undefined;
  const beyond = flags.has('--beyond') || seed !== undefined;
  return {
    tiers: { quick: !beyond, beyond: beyond || flags.has('--all') },
    places,
    checksOnly: flags.has('--checks-only'),
    install: !flags.has('--no-install'),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** True for a test file (a path from the checkout) that the chosen places contain. */
export function isChosen(file: string, { places }: Pick<TestChoice, 'places'>): boolean {
  const inside = file.replace(/^test\//, '');
  return (
    places.length === 0 ||
    places.some((place) => inside.startsWith(`${place}/`) || inside.startsWith(`${place}.`))
  );
}

function isSeed(seed: number | undefined): boolean {
  return seed === undefined || (Number.isInteger(seed) && Math.abs(seed) <= SEED_MAX);
}
