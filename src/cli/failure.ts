import { AssertionError } from '../base/assert.ts';
import { berthError, isBerthError } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { nearest } from './nearest.ts';
import { printableText } from './printable.ts';

/** The coded error that anything thrown stands for; what is not of the registry is a defect. */
export function codedError(error: unknown): BerthError {
  if (isBerthError(error)) return error;
  const what =
    error instanceof AssertionError
      ? error.message
      : `an unexpected failure (${error instanceof Error ? error.message : String(error)})`;
  return berthError('BERTH_INTERNAL', { what }, { cause: error });
}

/**
 * What a person reads of an error: `berth: ` with the message and its causes, each said once, then
 * an indented line that says what to do. Never a stack trace.
 */
export function failureLines(error: BerthError, look: Look, calledAs = 'berth'): readonly string[] {
  const c = painter(look);
  const hint = asTyped(hintOf(error), calledAs);
  return [
    `${c.red('berth:')} ${printableText(messageChain(error))}`,
    ...(hint === '' ? [] : [`  ${c.dim(printableText(hint))}`]),
  ];
}

/** What to do about an error; a name that is nearly right is told first. */
export function hintOf(error: BerthError): string {
  if (!isBerthError(error, 'BERTH_NOT_FOUND')) return error.hint;
  const meant = nearest(error.data.name, error.data.known);
  return meant === undefined ? error.hint : `did you mean "${meant}"? ${error.hint}`;
}

/** Commands in a hint, spelled so that they can be typed here: a checkout is not on the PATH. */
function asTyped(hint: string, calledAs: string): string {
  return hint.replaceAll(
    /\bberth (?=(?:up|down|vm|host|why|plan|operation|errors|serve|lab|completion)\b)/g,
    () => `${calledAs} `,
  );
}

/** Messages from the outside in; one that its outer message contains already is left out. */
function messageChain(error: BerthError): string {
  const messages = [error.message];
  for (const cause of causesOf(error)) {
    if (!messages.some((message) => message.includes(cause))) messages.push(cause);
  }
  return messages.join(': ').replaceAll('\n', ' ');
}

/** A chain longer than this is a loop. */
const CAUSES_MAX = 8;

function causesOf(error: Error): readonly string[] {
  const causes: string[] = [];
  let next = error.cause;
  while (next instanceof Error && causes.length < CAUSES_MAX) {
    if (next instanceof AggregateError) causes.push(next.errors.map(String).join('; '));
    else causes.push(next.message);
    next = next.cause;
  }
  return causes;
}
