import picocolors from 'picocolors';
import type { Output } from './ports.ts';

/** Text width where the terminal does not tell. */
export const COLUMNS_DEFAULT = 80;
/** Narrower terminals break the lines themselves. */
const COLUMNS_MIN = 60;

/** How output may look on the stream it goes to. */
export interface Look {
  readonly columns: number;
  /** How many colours may be used: none, the sixteen of every terminal, or the 256 of most. */
  readonly colours: 0 | 16 | 256;
  /** False where the locale is not UTF-8: line drawing falls back to ASCII. */
  readonly unicode: boolean;
  /** The stream is a terminal that understands cursor movements. */
  readonly live: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the look from the stream and the environment (NO_COLOR, FORCE_COLOR, TERM, the locale). */
export function lookOf(stream: Output, env: Environment): Look {
  const live = stream.isTTY === true && env['TERM'] !== 'dumb';
  return {
    columns: columnsOf(stream, env),
    colours: coloursOf(live, env),
    unicode: isUtf8(env),
    live,
  };
}

/** Painters for words in messages and tables; every one returns its text unchanged without colours. */
export function painter(look: Look): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(look.colours > 0);
}

function columnsOf(stream: Output, env: Environment): number {
  const told = stream.columns ?? Number(env['COLUMNS'] ?? COLUMNS_DEFAULT);
  return Number.isInteger(told) && told > 0 ? Math.max(told, COLUMNS_MIN) : COLUMNS_DEFAULT;
}

/** NO_COLOR wins (no-color.org); FORCE_COLOR counts also where the output is no terminal. */
function coloursOf(live: boolean, env: Environment): 0 | 16 | 256 {
  const forced = env['FORCE_COLOR'] ?? '';
  const refused = (env['NO_COLOR'] ?? '') !== '' || forced === '0' || forced === 'false';
  if (refused || (!live && forced === '')) return 0;
  const rich = /256|truecolor|24bit|direct|kitty|ghostty/;
  return forced === '2' || forced === '3' || rich.test(`${env['TERM']} ${env['COLORTERM']}`)
    ? 256
    : 16;
}

/** The first of these variables that is set decides, as in setlocale(3). */
function isUtf8(env: Environment): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => (value ?? '') !== '',
  );
  return /utf-?8/i.test(locale ?? '');
}
