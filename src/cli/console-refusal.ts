import type { IncomingMessage } from 'node:http';
import { errorOf } from '../api/problem.ts';
import { berthError, ERRORS, isBerthError, isErrorCode } from '../base/errors.ts';
import type { BerthError, ErrorCode } from '../base/errors.ts';

/** Longer answers to a refused connection are cut off; a problem document is far shorter. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The error for a console that the server closed. The reason is a problem document as far as the 123
 * bytes of a close frame reach: at least its code, else plain text.
 */
export function refusedConsole(reason: string, name: string): BerthError {
  const whole = parsed(reason);
  if (whole !== undefined) return withForce(whole, name);
  const code = /"(?:code|title)":"(BERTH_[A-Z_]+)"/.exec(reason)?.[1] ?? '';
  const detail = /"detail":"((?:[^"\\]|\\.)*)/.exec(reason)?.[1] ?? '';
  const text = reason.startsWith('{') ? detail : reason;
  if (code === 'BERTH_BUSY') return inUse(name);
  const when = isErrorCode(code) ? ERRORS[code].when : 'the server closed it without a reason';
  return ofSameExit(isErrorCode(code) ? code : 'BERTH_CONFLICT', name, text === '' ? when : text);
}

/** The data of the original error did not fit into the reason, but its exit code is kept. */
function ofSameExit(code: ErrorCode, name: string, why: string): BerthError {
  const what = `the console of ${name}`;
  const { exit } = ERRORS[code];
  if (exit === ERRORS.BERTH_CONNECTION_CLOSED.exit) {
    return berthError('BERTH_CONNECTION_CLOSED', { where: what, reason: why });
  }
  if (exit === ERRORS.BERTH_CONFLICT.exit) {
    const remedy = `see: berth vm show ${name}; if somebody else has it, --force takes it over`;
    return berthError('BERTH_CONFLICT', { what, why, remedy });
  }
  const step = 'opening it';
  return berthError('BERTH_OPERATION_FAILED', { operation: what, step, reason: why, undone: true });
}

/** The error for a console that the server refused to open, from the HTTP answer. */
export async function refusedUpgrade(response: IncomingMessage, name: string): Promise<BerthError> {
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    body += chunk;
    if (body.length > ANSWER_BYTES_MAX) break;
  }
  const whole = parsed(body);
  if (whole !== undefined) return withForce(whole, name);
  return berthError('BERTH_CONNECTION_CLOSED', {
    where: `the console of ${name}`,
    reason: `the server answered ${response.statusCode ?? 'nothing'}`,
  });
}

function parsed(text: string): BerthError | undefined {
  try {
    return errorOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Waiting, the remedy of a busy thing, is poor advice for a console: somebody sits at it. */
function withForce(error: BerthError, name: string): BerthError {
  return isBerthError(error, 'BERTH_BUSY') ? inUse(name) : error;
}

function inUse(name: string): BerthError {
  return berthError('BERTH_CONFLICT', {
    what: `the console of ${name}`,
    why: 'somebody else has it open',
    remedy: `take it over with: berth vm console ${name} --force`,
  });
}
