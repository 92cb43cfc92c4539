import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import { LibvirtError, wireError } from '../libvirt-error.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';
import { XdrWriter } from '../xdr/xdr-writer.ts';
import type { Clock } from './clock.ts';
import {
  FRAME_BYTES_MAX,
  FrameStatus,
  FrameType,
  HEADER_BYTES,
  stampHeader,
  type Frame,
} from './frame.ts';
import type { Procedure } from './procedure.ts';
import { checkWait, type Wait } from './wait.ts';

/**
 * Calls that may be unanswered on one connection. libvirtd stops reading a socket that has five
 * (max_client_requests), keepalive included; one less leaves it listening.
 */
export const WINDOW = 4;

/** Calls that may wait for the window; more means that nobody limits the caller. */
export const QUEUE_MAX = 10_000;

const SERIAL_MAX = 2 ** 32 - 1;

/** What becomes of a reply, in the very moment it is read: events right behind it must find it done. */
export interface Taking<R, T> {
  /** The call is about to be sent. */
  readonly depart?: (serial: number) => void;
  readonly accept: (result: R, serial: number) => T;
  /** The caller gave up on the call that was sent. */
  readonly gaveUp?: (serial: number) => void;
  /** The reply came after the caller had given up; undo what it set up on the other side. */
  readonly late?: (result: R, serial: number) => void;
  /** The reply says that it worked, but not in a way that can be read. */
  readonly unreadable?: (serial: number) => void;
  /** The reply was an error, in time or late. */
  readonly refused?: (serial: number) => void;
}

/** What the table needs of its connection. */
export interface CallLine {
  readonly clock: Clock;
  readonly send: (message: Buffer) => void;
  /** True for a serial that an open stream still uses. */
  readonly isTaken: (serial: number) => boolean;
}

/** The calls of one connection: those that wait for the window and those without a reply. */
export class CallTable {
  readonly #line: CallLine;
  readonly #queue = new Set<PendingCall>();
  readonly #sent = new Map<number, PendingCall>();
  #lastSerial = 0;
  #ending: BerthError | undefined;
  #ended = false;

  constructor(line: CallLine) {
    this.#line = line;
  }

  /**
   * Makes a call. `urgent` ones pass the window and even an ending that has begun; there is one:
   * the good-bye.
   */
  async call<A, R, T>(
    procedure: Procedure<A, R>,
    args: A,
    wait: Wait,
    taking: Taking<R, T>,
    urgent = false,
  ): Promise<T> {
    checkWait(wait, procedure.name);
    if (this.#ending !== undefined && (this.#ended || !urgent)) throw this.#ending;
    if (this.#queue.size >= QUEUE_MAX) {
      const what = 'the number of calls that wait';
      throw berthError('BERTH_TOO_LARGE', { what, size: this.#queue.size + 1, max: QUEUE_MAX });
    }
    const serial = this.#nextSerial();
    const message = encodeCall(procedure, args, serial);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = new PendingCall(procedure, serial, message, {
      depart: () => taking.depart?.(serial),
      take: (payload) => resolve(taking.accept(decodeResult(procedure, payload), serial)),
      late: (payload) => taking.late?.(decodeResult(procedure, payload), serial),
      unreadable: () => taking.unreadable?.(serial),
      gaveUp: () => taking.gaveUp?.(serial),
      refused: () => taking.refused?.(serial),
      reject,
    });
    if (urgent) this.#send(call);
    else this.#queue.add(call);
    call.watch(wait, this.#line.clock, () => this.#queue.delete(call));
    this.#pump();
    return promise;
  }

  /** Hands a reply to its call. One that nobody asked for is dropped. */
  reply(frame: Frame): void {
    const call = this.#sent.get(frame.serial);
    if (call === undefined) return;
    this.#sent.delete(frame.serial);
    call.reply(frame);
    this.#pump();
  }

  /** Refuses what has not been sent, now and later; what has been sent may still be answered. */
  refuse(ending: BerthError): void {
    this.#ending ??= ending;
    for (const call of this.#queue) call.lose(ending);
    this.#queue.clear();
  }

  /** Ends every call: the connection is gone. */
  end(ending: BerthError): void {
    this.refuse(ending);
    this.#ended = true;
    for (const call of this.#sent.values()) call.lose(ending);
    this.#sent.clear();
  }

  #pump(): void {
    for (const call of this.#queue) {
      if (this.#sent.size >= WINDOW) return;
      this.#queue.delete(call);
      this.#send(call);
    }
  }

  #send(call: PendingCall): void {
    this.#sent.set(call.serial, call);
    this.#line.send(call.depart());
  }

  #nextSerial(): number {
    do {
      this.#lastSerial = this.#lastSerial >= SERIAL_MAX ? 1 : this.#lastSerial + 1;
    } while (this.#sent.has(this.#lastSerial) || this.#line.isTaken(this.#lastSerial));
    return this.#lastSerial;
  }
}

type CalledProcedure = Pick<Procedure<never, unknown>, 'name' | 'effect' | 'program' | 'number'>;

interface Outcome {
  readonly depart: () => void;
  readonly take: (payload: Buffer) => void;
  readonly late: (payload: Buffer) => void;
  readonly unreadable: () => void;
  readonly gaveUp: () => void;
  readonly refused: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call without a reply. A call whose caller gave up stays in the window until its reply comes,
 * because the daemon counts it until then too.
 */
class PendingCall {
  readonly serial: number;
  readonly #procedure: CalledProcedure;
  readonly #message: Buffer;
  readonly #outcome: Outcome;
  #sent = false;
  #settled = false;
  #unwatch: (() => void) | undefined;

  constructor(procedure: CalledProcedure, serial: number, message: Buffer, outcome: Outcome) {
    this.#procedure = procedure;
    this.serial = serial;
    this.#message = message;
    this.#outcome = outcome;
  }

  /** Marks the call as sent and gives its bytes. */
  depart(): Buffer {
    this.#sent = true;
    this.#outcome.depart();
    return this.#message;
  }

  /** Gives up at the deadline or on abort; `unqueue` is told so that nothing more is sent. */
  watch({ signal, deadlineMs }: Wait, clock: Clock, unqueue: () => void): void {
    const { name } = this.#procedure;
    const abort = () => {
      unqueue();
      const error = berthError('BERTH_INTERRUPTED', { what: name }, { cause: signal?.reason });
      this.#giveUp(error, 'the caller stopped waiting');
    };
    const stopClock = clock.after(deadlineMs, () => {
      unqueue();
      const what = this.#sent
        ? name
        : `${name}, never sent behind ${WINDOW} calls without a reply,`;
      const error = berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs });
      this.#giveUp(error, `no reply came within ${deadlineMs} ms`);
    });
    signal?.addEventListener('abort', abort);
    this.#unwatch = () => {
      stopClock();
      signal?.removeEventListener('abort', abort);
    };
    if (signal?.aborted === true) abort();
  }

  reply(frame: Frame): void {
    const late = this.#settle();
    try {
      if (frame.status !== FrameStatus.ok) {
        this.#outcome.refused();
        throw decodeError(frame.payload, this.#procedure.name);
      }
      this.#takeResult(frame, late);
    } catch (error) {
      // After the caller has given up nobody is left to be told, and rejecting changes nothing.
      this.#outcome.reject(error);
    }
  }

  #takeResult(frame: Frame, late: boolean): void {
    try {
      this.#checkAnswers(frame);
      if (late) this.#outcome.late(frame.payload);
      else this.#outcome.take(frame.payload);
    } catch (error) {
      this.#outcome.unreadable();
      throw error;
    }
  }

  /** A reply under the serial of another procedure would be read by the wrong layout. */
  #checkAnswers({ program, procedure }: Frame): void {
    const { name, program: ownProgram, number } = this.#procedure;
    if (program === ownProgram && procedure === number) return;
    throw berthError('BERTH_PROTOCOL', {
      where: `the reply to ${name}`,
      problem: `it answers procedure ${procedure} of program 0x${program.toString(16)}`,
    });
  }

  lose(ending: BerthError): void {
    this.#giveUp(
      ending,
      isBerthError(ending, 'BERTH_CONNECTION_CLOSED') ? ending.data.reason : ending.message,
    );
  }

  #giveUp(error: BerthError, reason: string): void {
    if (this.#settle()) return;
    if (this.#sent) this.#outcome.gaveUp();
    const unknown = this.#sent && this.#procedure.effect;
    const data = { procedure: this.#procedure.name, reason };
    this.#outcome.reject(
      unknown ? berthError('BERTH_OUTCOME_UNKNOWN', data, { cause: error }) : error,
    );
  }

  /** Stops watching; true when the call had been settled before. */
  #settle(): boolean {
    const before = this.#settled;
    this.#settled = true;
    this.#unwatch?.();
    return before;
  }
}

/** The error a reply or a stream carries, whole. */
export function decodeError(payload: Buffer, procedure: string): LibvirtError {
  const reader = new XdrReader(payload, `the error of ${procedure}`);
  const error = wireError.read(reader);
  reader.end();
  return new LibvirtError(error, procedure);
}

function encodeCall<A, R>(procedure: Procedure<A, R>, args: A, serial: number): Buffer {
  const bounds = { headroom: HEADER_BYTES, bytesMax: FRAME_BYTES_MAX };
  const writer = new XdrWriter(procedure.name, bounds);
  procedure.args.write(writer, args);
  const { program, number } = procedure;
  const header = {
    program,
    procedure: number,
    type: FrameType.call,
    serial,
    status: FrameStatus.ok,
  };
  return stampHeader(writer.finish(), header);
}

function decodeResult<A, R>(procedure: Procedure<A, R>, payload: Buffer): R {
  const reader = new XdrReader(payload, `the reply to ${procedure.name}`);
  const result = procedure.result.read(reader);
  reader.end();
  return result;
}
