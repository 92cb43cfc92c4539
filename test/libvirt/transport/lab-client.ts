import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { labFolder } from '../../../src/lab/fleet/lab-folder.ts';
import { insideLab } from '../../../src/lab/fleet/run-in-lab.ts';
import type { KeepaliveRhythm } from '../../../src/libvirt/index.ts';
import { keeperPid } from '../../lab/fleet/test-lab.ts';

/** What a client is to do with a URI. */
export interface Question {
  readonly uri: string;
  /** `visit` uses calls, an event and streams; `hold` tells later why the connection ended. */
  readonly does: 'hostname' | 'visit' | 'hold';
  readonly options?: {
    readonly readOnly?: boolean;
    readonly plainTcp?: boolean;
    readonly keepalive?: KeepaliveRhythm;
    readonly uid?: number;
    readonly home?: string;
  };
  readonly deadlineMs?: number;
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly fault?: string | undefined;
}

export interface Answer {
  readonly hostname?: string;
  /** What the daemon says that it has opened. */
  readonly opened?: string;
  /** The domain that an event told of. */
  readonly event?: string | undefined;
  /** Bytes that went there and came back the same. */
  readonly bytes?: number;
  readonly failure?: Failure;
  /** Why the connection ended, for `hold`. */
  readonly closed?: Failure;
}

/** A process on a lab's network that connects as it is told. */
export class LabClient {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  readonly #unasked = new Map<string, Answer>();
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Ends with the lab. Its home has nothing of the person's who runs the tests. */
  static async start(home: string): Promise<LabClient> {
    const own = await mkdtemp(join(tmpdir(), 'berth-client-'));
    const script = fileURLToPath(new URL('lab-client-process.ts', import.meta.url));
    const enter = insideLab(labFolder(home, 'lab'), await keeperPid(home));
    const [program, ...args] = [...enter, process.execPath, script] as const;
    const env = { PATH: process.env['PATH'], HOME: own, LC_ALL: 'C' };
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    const client = new LabClient(child);
    createInterface({ input: child.stdout }).on('line', (line) => client.#hear(line));
    child.once('close', () => rmSync(own, { recursive: true, force: true }));
    return client;
  }

  async ask(question: Question): Promise<Answer> {
    const id = ++this.#asked;
    this.#child.stdin?.write(`${JSON.stringify({ id, ...question })}\n`);
    return this.#next(`${id}`);
  }

  /** Holds a connection; the result tells later why it ended. */
  async hold(question: Omit<Question, 'does'>): Promise<{ readonly closed: Promise<Failure> }> {
    const asking = this.ask({ ...question, does: 'hold' });
    const id = this.#asked;
    const { failure } = await asking;
    if (failure !== undefined) throw new Error(`${failure.code}: ${failure.message}`);
    return { closed: this.#closure(`${id} closed`) };
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
    await closed;
  }

  async #closure(key: string): Promise<Failure> {
    const { closed } = await this.#next(key);
    if (closed === undefined) throw new Error('an answer without a reason');
    return closed;
  }

  async #next(key: string): Promise<Answer> {
    const early = this.#unasked.get(key);
    if (early !== undefined) return early;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(key, resolve);
    return promise;
  }

  #hear(line: string): void {
    const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
    const key = answer.closed === undefined ? `${id}` : `${id} closed`;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#unasked.set(key, answer);
    else waiting(answer);
  }
}
