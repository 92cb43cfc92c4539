import type { IncomingMessage } from 'node:http';
import { errorOf } from '../api/problem.ts';
import { berthError, isBerthError, isErrorCode } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';

/** Longer answers to a refused connection are cut off; a problem document is far shorter. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** The error for a console that the server closed; the reason is a problem document, maybe cut. */
export function refusedConsole(reason: string, name: string): BerthError {
  const whole = parsed(reason);
  if (whole !== undefined) return withForce(whole, name);
  const code = /"(?:code|title)":"(BERTH_[A-Z_]+)"/.exec(reason)?.[1] ?? '';
  const detail = /"detail":"((?:[^"\\]|\\.)*)/.exec(reason)?.[1] ?? '';
  const text = reason.startsWith('{') ? detail : reason;
  if (isErrorCode(code) && code === 'BERTH_BUSY') return inUse(name, text);
  const why = text === '' ? 'the server closed it without a reason' : text;
  return berthError('BERTH_CONFLICT', {
    what: `the console of ${name}`,
    why,
    remedy: `see: berth vm show ${name}; if somebody else has it, --force takes it over`,
  });
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
  return isBerthError(error, 'BERTH_BUSY') ? inUse(name, error.message) : error;
}

function inUse(name: string, holder: string): BerthError {
  return berthError('BERTH_CONFLICT', {
    what: `the console of ${name} is in use`,
    why: holder === '' ? 'somebody else has it' : holder,
    remedy: `take it over with: berth vm console ${name} --force`,
  });
}
