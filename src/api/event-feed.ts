import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../base/errors.ts';
import { EventText } from './event-text.ts';
import { serverEvent } from './events.ts';
import type { ServerEvent } from './events.ts';

/** Pauses between attempts to come back: doubled up to the longest. */
const RETRY_MS = { first: 250, longest: 5000 };

/** An event, and the id to go on after it. */
export interface SeenEvent {
  readonly id: string;
  readonly event: ServerEvent;
}

/** Opens the stream behind an event, or from now on. */
export type OpenStream = (after: string | undefined) => Promise<IncomingMessage>;

/**
 * Events as they come, for as long as they are wanted. When the stream breaks off it is opened again
 * where it ended; what cannot be told again is replaced by an event `resync`. A server that answers
 * for the first time with an error, or later with a refusal, ends it.
 * @throws what the server refuses with, BERTH_SERVER_UNREACHABLE at the beginning; the signal's reason
 */
export async function* followEvents(
  open: OpenStream,
  after: string | undefined,
  signal?: AbortSignal,
): AsyncGenerator<SeenEvent, void, undefined> {
  let last = after;
  let hasBegun = false;
  for (let pauseMs = RETRY_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS.longest)) {
    try {
      const stream = await open(last);
      hasBegun = true;
      for await (const { id, data } of blocksOf(stream)) {
        pauseMs = RETRY_MS.first;
        last = id ?? last;
        const event = data === undefined ? undefined : eventOf(data);
        if (event !== undefined && last !== undefined) yield { id: last, event };
      }
    } catch (error) {
      if (signal?.aborted === true || !hasBegun || isRefusal(error)) throw error;
    }
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

async function* blocksOf(stream: IncomingMessage) {
  const text = new EventText();
  stream.setEncoding('utf8');
  for await (const chunk of stream) yield* text.take(String(chunk));
}

/** Undefined for what only another version of Berth understands. */
function eventOf(data: string): ServerEvent | undefined {
  try {
    return serverEvent.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

/** An answer that will be the same the next time; an ending server is none. */
function isRefusal(error: unknown): boolean {
  return isBerthError(error) && error.http < 500;
}
