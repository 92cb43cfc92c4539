import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import { decodeError } from '../libvirt-error.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';
import { FrameStatus, type Frame } from './frame.ts';
import type { Procedure } from './procedure.ts';
import { causeOf, interrupted, type Wait } from './wait.ts';

/** What becomes of a reply, in the very moment it is read: events right behind it must find it done. */
export interface Taking<R, T> {
  /** The call is about to be sent. */
  depart?(serial: number): void;
  accept(result: R, serial: number): T;
  /** The caller gave up on the call that was sent. */
  gaveUp?(serial: number): void;
  /** The reply came after the caller had given up; undo what it set up on the other side. */
  late?(result: R, serial: number): void;
  /** The reply says that it worked, but not in a way that can be read. */
  unreadable?(serial: number): void;
  /** The reply was an error, in time or late. */
  refused?(serial: number): void;
}

/** What a call is made of. */
interface CallParts<A, R, T> {
  readonly procedure: Procedure<A, R>;
  readonly serial: number;
  readonly wait: Wait;
  /** The moment, by the connection's clock, at which its caller gives up. */
  readonly end: number;
  readonly taking: Taking<R, T>;
  /** Told once when the caller gave up; not when a reply settled the call. */
  readonly onGiveUp: (call: PendingCall) => void;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A call without a reply, whatever it asks for. */
export interface PendingCall {
  readonly serial: number;
  readonly end: number;
  readonly isSent: boolean;
  /** True when its caller has an answer, or gave up. */
  readonly isSettled: boolean;
  /** Marks the call as sent and gives its bytes, once. */
  depart(): Buffer;
  /** Takes its reply. */
  reply(frame: Frame): void;
  /** Its deadline has come; `what` says what it was still waiting for, if it was not sent. */
  expire(unsent: string): void;
  /** The connection ends before its reply. */
  lose(ending: BerthError): void;
}

/**
 * One call without a reply. A call whose caller gave up is kept until its reply comes, because the
 * daemon counts it until then too. It listens to its signal itself: one object a call, not one more
 * for each thing that can end it.
 */
export class CallInFlight<A, R, T> implements PendingCall {
  readonly #parts: CallParts<A, R, T>;
  /** Let go of when it has left: it may be large, and the daemon slow. */
  #message: Buffer | undefined;
  #settled = false;

  constructor(parts: CallParts<A, R, T>, message: Buffer) {
    this.#parts = parts;
    this.#message = message;
    parts.wait.signal?.addEventListener('abort', this);
  }

  get serial(): number {
    return this.#parts.serial;
  }

  get end(): number {
    return this.#parts.end;
  }

  get isSent(): boolean {
    return this.#message === undefined;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  depart(): Buffer {
    const message = this.#message ?? Buffer.alloc(0);
    this.#message = undefined;
    this.#parts.taking.depart?.(this.serial);
    return message;
  }

  /** Called by the signal when it is aborted. */
  handleEvent(): void {
    const { procedure, wait } = this.#parts;
    const error = interrupted(procedure.name, wait);
    this.#giveUp(error, error.message);
  }

  expire(unsent: string): void {
    const { procedure, wait } = this.#parts;
    const what = this.isSent ? procedure.name : `${procedure.name}, ${unsent},`;
    const afterMs = wait.deadlineMs;
    const reason = `no reply came within ${afterMs} ms`;
    this.#giveUp(berthError('BERTH_DEADLINE', { what, afterMs }), reason);
  }

  lose(ending: BerthError): void {
    const isClosed = isBerthError(ending, 'BERTH_CONNECTION_CLOSED');
    this.#giveUp(ending, isClosed ? ending.data.reason : ending.message);
  }

  reply(frame: Frame): void {
    const { procedure, serial, taking, reject } = this.#parts;
    const late = this.#settle();
    try {
      if (frame.status !== FrameStatus.ok) {
        taking.refused?.(serial);
        throw decodeError(frame.payload, procedure.name);
      }
      this.#takeResult(frame, late);
    } catch (error) {
      // After the caller has given up nobody is left to be told, and rejecting changes nothing.
      reject(error);
    }
  }

  #takeResult(frame: Frame, late: boolean): void {
    const { procedure, serial, taking, resolve } = this.#parts;
    try {
      checkAnswers(procedure, frame);
      const result = decodeResult(procedure, frame.payload);
      if (late) taking.late?.(result, serial);
      else resolve(taking.accept(result, serial));
    } catch (error) {
      taking.unreadable?.(serial);
      throw error;
    }
  }

  #giveUp(error: BerthError, reason: string): void {
    if (this.#settle()) return;
    const { procedure, serial, taking, onGiveUp, reject } = this.#parts;
    if (this.isSent) taking.gaveUp?.(serial);
    onGiveUp(this);
    const data = { procedure: procedure.name, reason };
    const unknown = this.isSent && procedure.effect;
    reject(unknown ? berthError('BERTH_OUTCOME_UNKNOWN', data, { cause: causeOf(error) }) : error);
  }

  /** Stops listening; true when the call had been settled before. */
  #settle(): boolean {
    if (this.#settled) return true;
    this.#settled = true;
    this.#parts.wait.signal?.removeEventListener('abort', this);
    return false;
  }
}

/** A reply under the serial of another procedure would be read by the wrong layout. */
function checkAnswers<A, R>(own: Procedure<A, R>, { program, procedure }: Frame): void {
  if (program === own.program && procedure === own.number) return;
  throw berthError('BERTH_PROTOCOL', {
    where: `the reply to ${own.name}`,
    problem: `it answers procedure ${procedure} of program 0x${program.toString(16)}`,
  });
}

function decodeResult<A, R>(procedure: Procedure<A, R>, payload: Buffer): R {
  const reader = new XdrReader(payload, `the reply to ${procedure.name}`);
  const result = procedure.result.read(reader);
  reader.end();
  return result;
}
