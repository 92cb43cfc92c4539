import type { OperationView } from '../api/resources.ts';
import { cut } from './block.ts';
import { operationText } from './progress-line.ts';
import type { Session } from './session.ts';

/** The cursor up so many lines, and everything below it erased. */
const upAndClear = (lines: number): string => `${lines === 0 ? '' : `\u001b[${lines}A`}\r\u001b[J`;

/**
 * Several operations on standard error: on a terminal a line for each that runs, changing in place
 * below those that have ended; else a line for each step.
 */
export class FleetProgress {
  readonly #session: Session;
  readonly #running = new Map<string, string>();
  #shown = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  show(operation: OperationView): void {
    const { live } = this.#session.err;
    const text = operationText(operation, live);
    if (operation.state !== 'running' || this.#running.get(operation.vm) === text) return;
    this.#running.set(operation.vm, text);
    if (live) this.#draw();
    else this.#write(`${text}\n`);
  }

  /** Takes a VM's line away, and says what became of it. */
  ended(vm: string, text: string): void {
    this.#running.delete(vm);
    this.note(text);
  }

  /** Says something above the lines. */
  note(text: string): void {
    if (this.#session.err.live) this.#draw(`${text}\n`);
    else this.#write(`${text}\n`);
  }

  #draw(above = ''): void {
    const { columns } = this.#session.err;
    const lines = [...this.#running.values()].map((line) => `${cut(line, columns - 1)}\n`);
    this.#write(`${upAndClear(this.#shown)}${above}${lines.join('')}`);
    this.#shown = lines.length;
  }

  #write(text: string): void {
    this.#session.ports.stderr.write(text);
  }
}
