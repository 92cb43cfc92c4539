import { berthError, type BerthError } from '../../base/errors.ts';
import { XdrWriter } from '../xdr/xdr-writer.ts';
import type { Clock } from './clock.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import {
  FRAME_BYTES_MAX,
  FrameStatus,
  FrameType,
  HEADER_BYTES,
  stampHeader,
  type Frame,
} from './frame.ts';
import { CallInFlight, type PendingCall, type Taking } from './pending-call.ts';
import { checkProcedure, type Procedure } from './procedure.ts';
import { checkWait, interrupted, type Wait } from './wait.ts';

/**
 * Calls that may be unanswered on one connection. libvirtd stops reading a socket that has five
 * (max_client_requests), keepalive included; one less leaves it listening.
 */
export const WINDOW = 4;

/** Calls that may wait for the window; more means that nobody limits the caller. */
export const QUEUE_MAX = 10_000;

const SERIAL_MAX = 2 ** 32 - 1;

/** Said of a call whose deadline came before its turn. */
const UNSENT = `never sent behind ${WINDOW} calls without a reply`;

/** What the table needs of its connection. */
export interface CallLine {
  readonly clock: Clock;
  readonly send: (message: Buffer) => void;
  /** True for a serial that an open stream still uses. */
  readonly isTaken: (serial: number) => boolean;
  /** Callers gave up on all the calls of the window: nothing more can be sent until one is answered. */
  readonly onStuck: () => void;
}

/** The calls of one connection: those that wait for the window and those without a reply. */
export class CallTable {
  readonly #line: CallLine;
  readonly #queue = new Set<PendingCall>();
  readonly #sent = new Map<number, PendingCall>();
  readonly #deadlines: DeadlineTimer;
  readonly #onGiveUp = (call: PendingCall): void => this.#gaveUp(call);
  #lastSerial = 0;
  /** Calls among the sent ones whose callers gave up. */
  #orphans = 0;
  #ending: BerthError | undefined;
  #ended = false;

  constructor(line: CallLine) {
    this.#line = line;
    this.#deadlines = new DeadlineTimer(line.clock, (now) => this.#expire(now));
  }

  /** Calls that were sent and have no reply, those that were given up included. */
  get unanswered(): number {
    return this.#sent.size;
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
    return new Promise((resolve, reject) => {
      this.#check(procedure, wait, urgent);
      const serial = this.#nextSerial();
      const message = encodeCall(procedure, args, serial);
      const end = this.#line.clock.now() + wait.deadlineMs;
      const onGiveUp = this.#onGiveUp;
      const parts = { procedure, serial, wait, end, taking, onGiveUp, resolve, reject };
      const call = new CallInFlight(parts, message);
      this.#deadlines.ringAt(end);
      if (urgent || (this.#queue.size === 0 && this.#sent.size < WINDOW)) this.#send(call);
      else this.#queue.add(call);
    });
  }

  /** Hands a reply to its call. One that nobody asked for is dropped. */
  reply(frame: Frame): void {
    const call = this.#sent.get(frame.serial);
    if (call === undefined) return;
    this.#sent.delete(frame.serial);
    if (call.isSettled) this.#orphans--;
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
    this.#ended = true;
    this.#deadlines.stop();
    this.refuse(ending);
    for (const call of this.#sent.values()) call.lose(ending);
    this.#sent.clear();
  }

  #check<A, R>(procedure: Procedure<A, R>, wait: Wait, urgent: boolean): void {
    checkProcedure(procedure);
    const { name } = procedure;
    checkWait(wait, name);
    if (this.#ending !== undefined && (this.#ended || !urgent)) throw this.#ending;
    if (wait.signal?.aborted === true) throw interrupted(name, wait);
    if (this.#queue.size < QUEUE_MAX) return;
    const what = 'the number of calls that wait';
    throw berthError('BERTH_TOO_LARGE', { what, size: this.#queue.size + 1, max: QUEUE_MAX });
  }

  #pump(): void {
    if (this.#queue.size === 0) return;
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

  /** Ends the calls whose time is up; the earliest end of the others. */
  #expire(now: number): number {
    let next = Infinity;
    for (const calls of [this.#queue, this.#sent.values()]) {
      for (const call of calls) {
        if (call.isSettled) continue;
        if (call.end <= now) call.expire(UNSENT);
        else if (call.end < next) next = call.end;
      }
    }
    return this.#ended ? Infinity : next;
  }

  #gaveUp(call: PendingCall): void {
    if (!call.isSent) {
      this.#queue.delete(call);
      return;
    }
    this.#orphans++;
    if (this.#orphans >= WINDOW && !this.#ended) this.#line.onStuck();
  }

  #nextSerial(): number {
    do {
      this.#lastSerial = this.#lastSerial >= SERIAL_MAX ? 1 : this.#lastSerial + 1;
    } while (this.#sent.has(this.#lastSerial) || this.#line.isTaken(this.#lastSerial));
    return this.#lastSerial;
  }
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
