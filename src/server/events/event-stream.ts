import { Readable } from 'node:stream';
import type { ServerEvent } from '../../api/events.ts';
import type { EventFilter } from './event-filter.ts';
import type { EventLog, Missed } from './event-log.ts';

/** After how many milliseconds a browser is to come back when the stream breaks off. */
const RETRY_MS = 2000;
/** How much text is made at once; more waits until that has been taken. */
const CHUNK_CHARS = 64 * 1024;
/** How many beats a reader may leave text lying that was made for it. */
const IDLE_BEATS_MAX = 4;

/** What a reader asks for. */
export interface StreamAsk {
  /** The id of the last event that it has seen. */
  readonly after: string | undefined;
  readonly wants: EventFilter;
  readonly now: () => number;
}

/**
 * The events as text of server-sent events, for one reader. It holds a place in the log and at most
 * one chunk of text. One that falls behind the log is told to read everything again; one that takes
 * nothing at all is cut off.
 */
export class EventStream extends Readable {
  readonly #log: EventLog;
  readonly #ask: StreamAsk;
  readonly #unlisten: () => void;
  #next: number;
  #missed: Missed | undefined;
  #isWanted = false;
  #idleBeats = 0;

  constructor(log: EventLog, ask: StreamAsk) {
    super({ encoding: 'utf8', highWaterMark: CHUNK_CHARS });
    this.#log = log;
    this.#ask = ask;
    const { next, missed } = log.placeAfter(ask.after);
    this.#next = next;
    this.#missed = missed;
    this.#unlisten = log.listen((signal) => {
      if (signal === 'beat') this.#beat();
      else this.#fill();
    });
    // The id goes first, so that a reader who saw no event yet knows where it began.
    this.push(`retry: ${RETRY_MS}\n${this.#idLine()}\n`);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#idleBeats = 0;
    this.#fill();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#unlisten();
    done(error);
  }

  #fill(): void {
    if (!this.#isWanted) return;
    const text = this.#text();
    if (text !== '') {
      this.#isWanted = false;
      this.push(text);
    } else if (this.#log.hasEnded) {
      this.push(null);
    }
  }

  /** A line of no meaning keeps the way open, and the id lets a reader forget what it filtered out. */
  #beat(): void {
    this.#idleBeats += 1;
    if (this.#isWanted) {
      this.#isWanted = false;
      this.push(`: beat\n${this.#idLine()}\n`);
    } else if (this.#idleBeats > IDLE_BEATS_MAX) {
      this.destroy();
    }
  }

  /** The next chunk; empty when there is nothing to tell. */
  #text(): string {
    let text = '';
    if (this.#next < this.#log.oldest) {
      this.#missed = 'too-slow';
      this.#next = this.#log.next;
    }
    if (this.#missed !== undefined) {
      const event = { kind: 'resync', at: this.#ask.now(), why: this.#missed } as const;
      text += eventText(this.#log.idOf(this.#next - 1), event);
      this.#missed = undefined;
    }
    while (text.length < CHUNK_CHARS) {
      const logged = this.#log.at(this.#next);
      if (logged === undefined) break;
      this.#next += 1;
      if (this.#ask.wants(logged.event, logged.sight)) text += eventText(logged.id, logged.event);
    }
    return text;
  }

  #idLine(): string {
    return `id: ${this.#log.idOf(this.#next - 1)}\n`;
  }
}

function eventText(id: string, event: ServerEvent): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}
