import type { ServerEvent } from '../api/events.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';

/** One event as a line: when (UTC), what it is about, and what happened. */
export function eventLine(event: ServerEvent, look: Look): string {
  const c = painter(look);
  const when = new Date(event.at).toISOString().slice(11, 19);
  return `${c.dim(when)}  ${wordsOf(printable(event))}`;
}

function wordsOf(event: ServerEvent): string {
  switch (event.kind) {
    case 'vm':
      return `vm ${event.name} ${event.change} on ${event.host}: ${event.state}`;
    case 'host':
      return `host ${event.name} ${event.change}`;
    case 'operation':
      return `operation ${event.does} ${event.vm}: ${event.state}, ${event.done}/${event.steps}`;
    case 'resync':
      return `events may be missing here (${RESYNC_WORDS[event.why]}): list again`;
  }
}

const RESYNC_WORDS = {
  unknown: 'the server was started again',
  'too-old': 'too much has happened since',
  'too-slow': 'they were read too slowly',
} as const;
