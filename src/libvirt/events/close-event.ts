import { Program, type Frame } from '../rpc/frame.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';

/** Procedure of the message that a daemon's own connection to the hypervisor has ended. */
const MESSAGE = 362;

/** What ended it there (virConnectCloseReason). */
const REASONS = [
  'an error',
  'the end of its connection',
  'a hypervisor that gave no sign of life',
  'a client that asked for it',
] as const;

/**
 * True for the message by which a daemon says that it has lost the hypervisor, or the daemon that it
 * passes calls on to. It is the one event without a callback id, and the last thing of use on the
 * connection: every later call would be refused.
 */
export function isCloseEvent({ program, procedure }: Frame): boolean {
  return program === Program.remote && procedure === MESSAGE;
}

/** Why it was lost, as words for the error of the connection. */
export function closeReason(frame: Frame): string {
  const reader = new XdrReader(frame.payload, `event ${MESSAGE}`);
  const reason = reader.i32();
  reader.end();
  const words = REASONS[reason] ?? `reason ${reason}`;
  return `the daemon has lost its hypervisor through ${words}`;
}
