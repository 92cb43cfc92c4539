import { AssertionError } from '../base/assert.ts';
import { BerthError, berthError, isBerthError } from '../base/errors.ts';
import { reasonOf } from '../base/undo.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { nearest } from './nearest.ts';
import { printableText } from './printable.ts';

/**
 * The coded error that anything thrown stands for; what is not of the registry is a defect. Of work
 * whose undoing failed, too, it is the error of the work, with both as the cause.
 */
export function codedError(thrown: unknown): BerthError {
  const error = reasonOf(thrown);
  if (error !== thrown && isBerthError(error))
    return new BerthError(error.code, error.data, { cause: thrown });
  if (isBerthError(error)) return error;
  const what =
    error instanceof AssertionError
      ? error.message
      : `an unexpected failure (${error instanceof Error ? error.message : String(error)})`;
  return berthError('BERTH_INTERNAL', { what }, { cause: thrown });
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
    /\bberth (?=(?:up|down|vm|host|why|plan|apply|drift|operation|op|events|top|errors|serve|lab|completion|xml|token|login|logout|whoami|audit)\b)/g,
    () => `${calledAs} `,
  );
}

/** Messages from the outside in; one that an outer message contains already is left out. */
function messageChain(error: BerthError): string {
  const messages: string[] = [];
  for (const message of messagesOf(error)) {
    if (!messages.some((outer) => outer.includes(message))) messages.push(message);
  }
  return messages.join(': ').replaceAll('\n', ' ');
}

/** A chain longer than this is a loop. */
const CAUSES_MAX = 8;

function messagesOf(error: unknown, depth = 0): readonly string[] {
  if (depth > CAUSES_MAX) return [];
  const below = (next: unknown): readonly string[] => messagesOf(next, depth + 1);
  if (!(error instanceof Error)) return typeof error === 'string' ? [error] : [];
  if (error instanceof SuppressedError) return [...below(error.suppressed), ...below(error.error)];
  if (!(error instanceof AggregateError)) return [error.message, ...below(error.cause)];
  const each = error.errors.map((one) => below(one).join(': '));
  return [error.message, each.join('; ')].filter(Boolean);
}
