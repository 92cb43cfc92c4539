import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { quoteWord } from '../../base/quote-word.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import { KIB, MIB } from '../../base/units.ts';
import type { Wait } from '../../libvirt/index.ts';
import { findOutput, findWord, type OutputFrame } from './console-frame.ts';
import { ConsoleLine, type ConsoleWait } from './console-line.ts';

/** Longest script that can be typed into a guest. */
export const GUEST_SCRIPT_BYTES_MAX = 64 * KIB;
/** Most that a script may write. */
export const GUEST_OUTPUT_BYTES_MAX = 4 * MIB;

/** Characters of a script in one typed line: a static busybox takes lines of 1023. */
const PIECE_CHARS = 600;
/** How much of the output a guest tells at first, and later at a time. */
const FIRST_PART_BYTES = 4 * KIB;
const PART_BYTES = 32 * KIB;
const PART_BYTES_MIN = 256;
/** How long a command that is to stop may take to give the console back. */
const RECOVER_MS = 15_000;

const INTERRUPT = '\u0003';
const TOOL_FOLDER = '/run/berth-shell';

/** How a command in a guest ended. */
export interface GuestAnswer {
  /** The exit status, 128 and the signal's number when a signal ended it. */
  readonly status: number;
  /** All that it wrote, standard error included, taken for UTF-8. */
  readonly output: string;
  /** The same as it was. */
  readonly bytes: Buffer;
}

/**
 * Makes a shell of a guest's console that is open already: waits until a root shell answers there,
 * however long its boot takes, and puts guest-shell.sh beside it in the guest. What a former holder
 * of the console left running in the foreground is interrupted when nothing answers for ten seconds.
 * @param guest its name, for messages.
 * @param options `interrupt` interrupts at once: for a console that was taken from somebody.
 * @throws BERTH_CONNECTION_CLOSED when the console ends, BERTH_DEADLINE, BERTH_INTERRUPTED; the
 *   console is closed then.
 */
export async function attachGuestShell(
  console: Duplex,
  guest: string,
  wait: Wait,
  { interrupt = false }: { readonly interrupt?: boolean } = {},
): Promise<GuestShell> {
  const line = new ConsoleLine(console);
  try {
    const waiting = consoleWait(`a shell on the console of ${guest}`, wait);
    await wake(line, interrupt ? URGENT_WAKING : PATIENT_WAKING, waiting);
    return new GuestShell(line, guest, await putTool(line, waiting));
  } catch (error) {
    await line.close();
    throw error;
  }
}

/**
 * A root shell on a guest's serial console that runs commands and gives back what they wrote, byte
 * for byte, and how they ended. Kernel messages, echo and terminal control sequences do no harm.
 * Commands run one after the other in the order of the calls, each in a shell of its own, with no
 * terminal and nothing to read. What they leave running in the background goes on.
 */
export class GuestShell implements AsyncDisposable {
  readonly #line: ConsoleLine;
  readonly #guest: string;
  readonly #tool: string;
  #turn: Promise<unknown> = Promise.resolve();
  #stuck = false;

  /** Use `attachGuestShell` or `openGuestShell`. */
  constructor(line: ConsoleLine, guest: string, tool: string) {
    this.#line = line;
    this.#guest = guest;
    this.#tool = tool;
  }

  /**
   * Runs a program with arguments, which reach it as they are.
   * @throws BERTH_SPEC_INVALID for an argument with a zero byte; else as `script` does.
   */
  async run(
    argv: readonly [program: string, ...args: readonly string[]],
    wait: Wait,
  ): Promise<GuestAnswer> {
    return this.#inTurn(`the command "${argv[0]}"`, argv.map(quoteWord).join(' '), wait);
  }

  /**
   * Runs a script of `sh`. A command that is not over at the deadline, or when the wait is aborted,
   * is interrupted and killed, which may take up to fifteen seconds more; then the shell can be used
   * again.
   * @throws BERTH_DEADLINE, BERTH_INTERRUPTED: it was begun, and ended before its time.
   * @throws BERTH_OUTCOME_UNKNOWN when the guest or the console ended meanwhile.
   * @throws BERTH_BUSY when an earlier command keeps the console against all means.
   * @throws BERTH_TOO_LARGE for a script or an output beyond the limits above.
   */
  async script(text: string, wait: Wait): Promise<GuestAnswer> {
    return this.#inTurn('a script', text, wait);
  }

  /** Closes the console; what runs in the guest goes on. When it returns, another may open it. */
  async close(): Promise<void> {
    await this.#line.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #inTurn(command: string, text: string, wait: Wait): Promise<GuestAnswer> {
    const what = `${command} in guest ${this.#guest}`;
    const waiting = consoleWait(what, wait);
    const run = this.#turn.then(async () => this.#execute(text, waiting));
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #execute(text: string, wait: ConsoleWait): Promise<GuestAnswer> {
    if (this.#stuck) await this.#recover(wait);
    try {
      const id = newId();
      const first = await this.#begin(id, text, wait);
      return await this.#collect(id, first, wait);
    } catch (error) {
      if (isBerthError(error, 'BERTH_CONNECTION_CLOSED')) {
        const { reason } = error.data;
        const data = { procedure: wait.what, reason };
        throw berthError('BERTH_OUTCOME_UNKNOWN', data, { cause: error });
      }
      if (isBerthError(error, 'BERTH_DEADLINE') || isBerthError(error, 'BERTH_INTERRUPTED')) {
        await this.#giveUp();
      }
      throw error;
    }
  }

  /** Sends a script, which runs then, and gives the first part of what became of it. */
  async #begin(id: string, text: string, wait: ConsoleWait): Promise<OutputFrame> {
    const bytes = Buffer.from(text);
    checkSize(`the script of ${wait.what}`, bytes.length, GUEST_SCRIPT_BYTES_MAX);
    const pieces = inPieces(bytes.toString('base64'));
    const last = pieces.pop() ?? '';
    for (const [number, piece] of pieces.entries()) {
      const part = `${id}.${number}`;
      const typed = `${this.#tool} put ${part} ${number} ${piece.length} ${piece}\r`;
      const find = (all: string): string | undefined => findWord(all, part);
      await this.#line.ask({ typed: () => typed, againMs: LONGER_EACH_TIME, find }, wait);
    }
    const typed = (times: number): string => {
      const length = partLength(FIRST_PART_BYTES, times);
      const run = `${this.#tool} run ${id} ${length} ${pieces.length} ${last.length} ${last}`;
      return `${run} & berth_job=$!; wait $berth_job; berth_job=\r`;
    };
    return this.#askOutput(id, 0, typed, wait);
  }

  async #collect(id: string, first: OutputFrame, wait: ConsoleWait): Promise<GuestAnswer> {
    const { status, size } = first;
    checkSize(`the output of ${wait.what}`, size, GUEST_OUTPUT_BYTES_MAX);
    const parts = [first.part];
    for (let offset = first.part.length; offset < size;) {
      const request = `${id}.${offset}`;
      const typed = (times: number): string =>
        `${this.#tool} tell ${request} ${offset} ${partLength(PART_BYTES, times)}\r`;
      const { part } = await this.#askOutput(request, offset, typed, wait);
      parts.push(part);
      offset += part.length;
    }
    const bytes = Buffer.concat(parts).subarray(0, size); // what still runs there may have added some
    return { status, output: bytes.toString('utf8'), bytes };
  }

  async #askOutput(
    id: string,
    offset: number,
    typed: (times: number) => string,
    wait: ConsoleWait,
  ): Promise<OutputFrame> {
    const find = (text: string): OutputFrame | 'damaged' | undefined => {
      const frame = findOutput(text, id);
      if (frame === undefined || frame === 'damaged') return frame;
      const isNext = frame.offset === offset && (frame.part.length > 0 || frame.size <= offset);
      return isNext ? frame : 'damaged';
    };
    return this.#line.ask({ typed, againMs: LONGER_EACH_TIME, find }, wait);
  }

  /** Gets the console back from a command that was given up. */
  async #giveUp(): Promise<void> {
    const what = `the end of a command in guest ${this.#guest}`;
    await this.#recover(consoleWait(what, { deadlineMs: RECOVER_MS })).catch(() => undefined);
  }

  async #recover(wait: ConsoleWait): Promise<void> {
    this.#stuck = true;
    try {
      await wake(this.#line, URGENT_WAKING, wait);
      this.#stuck = false;
    } catch (error) {
      if (!isBerthError(error, 'BERTH_DEADLINE')) throw error;
      const holder = 'an earlier command cannot be interrupted';
      const what = `the console of ${this.#guest}`;
      throw berthError('BERTH_BUSY', { what, holder }, { cause: error });
    }
  }
}

/** How a shell is brought to answer. */
interface Waking {
  readonly againMs: (times: number) => number;
  readonly interrupts: (times: number) => boolean;
}

/** A guest may be booting; only where nothing answers for long is a command taken to be running. */
const PATIENT_WAKING: Waking = {
  againMs: (times) => Math.min(500, 125 * 2 ** times),
  interrupts: (times) => times >= 20 && times % 10 === 0,
};

const URGENT_WAKING: Waking = { againMs: () => 1000, interrupts: () => true };

const LONGER_EACH_TIME = (times: number): number => 5000 * 2 ** times;

/** Where others write much to the console too, only short parts come through whole. */
function partLength(bytes: number, times: number): number {
  return Math.max(PART_BYTES_MIN, Math.floor(bytes / 2 ** times));
}

/**
 * Waits for the shell to answer. What it runs in the foreground is interrupted, and the job of a
 * GuestShell killed, children included: with job control it is a process group of its own. The
 * mark is typed in two halves, since what is typed is echoed.
 */
async function wake(
  line: ConsoleLine,
  { againMs, interrupts }: Waking,
  wait: ConsoleWait,
): Promise<void> {
  const id = newId();
  const kill = '[ -z "$berth_job" ] || kill -9 -$berth_job; berth_job=; ';
  const typed = (times: number): string =>
    `${interrupts(times) ? `${INTERRUPT}\r${kill}` : '\r'}echo "{""{${id} awake}}"\r`;
  await line.ask({ typed, againMs, find: (all) => findWord(all, id) }, wait);
}

/** Puts guest-shell.sh into the guest if it is not there whole. @returns how it is called. */
async function putTool(line: ConsoleLine, wait: ConsoleWait): Promise<string> {
  const text = await readTool();
  const sum = createHash('sha256').update(text).digest('hex');
  const path = `${TOOL_FOLDER}/${sum.slice(0, 16)}`;
  const tool = `sh ${path}`;
  const whole = `[ "$(sha256sum <${path})" = "${sum}  -" ]`;
  const ask = async (id: string, typed: string): Promise<string> =>
    line.ask(
      { typed: () => `${typed}\r`, againMs: LONGER_EACH_TIME, find: (all) => findWord(all, id) },
      wait,
    );
  const first = newId();
  const found = await ask(
    first,
    `${whole} && ${tool} here ${first} || echo "{""{${first} missing}}"`,
  );
  if (found === 'here') return tool;
  for (const [index, piece] of inPieces(text.toString('base64')).entries()) {
    const id = newId();
    const part = `${path}.${String(index).padStart(4, '0')}`;
    const keep = `p=${piece}; mkdir -p ${TOOL_FOLDER}; [ \${#p} = ${piece.length} ] && echo $p >${part}`;
    await ask(id, `${keep} && echo "{""{${id} kept}}"`);
  }
  const last = newId();
  await ask(last, `${whole} || cat ${path}.* | base64 -d >${path}; ${tool} here ${last}`);
  return tool;
}

async function readTool(): Promise<Buffer> {
  const text = await readFile(
    fileURLToPath(new URL('../../../src/lab/guest/guest-shell.sh', import.meta.url)),
    'utf8',
  );
  return Buffer.from(text.replaceAll(/^#[^!].*\n/gm, '')); // comments would be typed, too
}

function inPieces(text: string): string[] {
  return text.match(new RegExp(`.{1,${PIECE_CHARS}}`, 'g')) ?? [];
}

function checkSize(what: string, size: number, max: number): void {
  if (size > max) throw berthError('BERTH_TOO_LARGE', { what, size, max });
}

function newId(): string {
  return randomBytes(4).toString('hex');
}

function consoleWait(what: string, { signal, deadlineMs }: Wait): ConsoleWait {
  return { what, signal, deadlineMs, until: performance.now() + deadlineMs };
}
