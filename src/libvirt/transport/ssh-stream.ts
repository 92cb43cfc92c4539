import { Duplex, type Readable, type Writable } from 'node:stream';
import type { BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { SshChild, SshEnding } from './ssh-child.ts';

/** How long ssh has to end after the last byte came through it, so that it can say why. */
const EXIT_GRACE_MS = 500;

interface SshStreamParts {
  readonly child: SshChild;
  /** Bytes to the daemon; its own standard input and output unless they go another way. */
  readonly input: Writable;
  readonly output: Readable;
  readonly clock: Clock;
  /** Looks at the first bytes; what it returns ends the stream. */
  readonly judge?: (first: Buffer) => BerthError | undefined;
  /** Why the stream ended. */
  readonly reason: (ending: SshEnding, hasSpoken: boolean) => BerthError;
}

type Done = (error?: Error | null) => void;

/**
 * A byte stream that goes through an ssh. They end together: destroying the stream ends the ssh, and
 * the end of the ssh destroys the stream with the reason for it.
 */
export class SshStream extends Duplex {
  readonly #parts: SshStreamParts;
  #hasSpoken = false;
  #isEnding = false;

  constructor(parts: SshStreamParts) {
    super({ autoDestroy: true });
    this.#parts = parts;
    const { output, child } = parts;
    const onEnd = () => this.#end();
    output.on('data', (chunk: Buffer) => this.#receive(chunk));
    output.once('end', onEnd).once('close', onEnd);
    child.whenEnded(onEnd);
    output.resume();
  }

  override _read(): void {
    this.#parts.output.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    this.#parts.input.write(chunk, encoding, this.#sent(done));
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: Done): void {
    const { input } = this.#parts;
    input.cork();
    for (const [index, { chunk }] of chunks.entries()) {
      if (index === chunks.length - 1) input.write(chunk, this.#sent(done));
      else input.write(chunk);
    }
    input.uncork();
  }

  override _final(done: Done): void {
    this.#parts.input.end(this.#sent(done));
  }

  /** Closed once ssh is gone. */
  override _destroy(error: Error | null, done: Done): void {
    const { child, output, input } = this.#parts;
    child.stop();
    input.destroy();
    output.destroy();
    child.whenEnded(() => done(error));
  }

  /** A broken pipe says nothing of why; the end of ssh does, whichever of them is seen first. */
  #sent(done: Done): Done {
    return (error) => {
      if (error === null || error === undefined) done();
      else this.#end();
    };
  }

  #receive(chunk: Buffer): void {
    if (!this.#hasSpoken) {
      this.#hasSpoken = true;
      const error = this.#parts.judge?.(chunk);
      if (error !== undefined) return void this.destroy(error);
    }
    if (!this.push(chunk)) this.#parts.output.pause();
  }

  /** Bytes that were not read yet go with the connection: no answer is waited for any more. */
  #end(): void {
    if (this.#isEnding || this.destroyed) return;
    this.#isEnding = true;
    const { child, clock, reason } = this.#parts;
    const stopClock = clock.after(EXIT_GRACE_MS, () => child.stop());
    child.whenEnded((ending) => {
      stopClock();
      this.destroy(reason(ending, this.#hasSpoken));
    });
  }
}
