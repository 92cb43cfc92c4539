import { AssertionError } from '../base/assert.ts';
import { BerthError, isBerthError, isErrorCode, berthError } from '../base/errors.ts';
import { reasonOf } from '../base/undo.ts';
import { problemView } from './resources.ts';
import type { Problem } from './resources.ts';

/** The one form in which errors travel: problem+json (RFC 9457) with code, exit code, data and hint. */
export function problemOf(thrown: unknown): Problem {
  const error = reasonOf(thrown);
  const coded = isBerthError(error)
    ? error
    : berthError('BERTH_INTERNAL', {
        what: error instanceof AssertionError ? error.message : 'an unexpected failure',
      });
  return {
    type: `urn:berth:error:${coded.code}`,
    title: coded.code,
    status: coded.http,
    detail: coded.message,
    code: coded.code,
    exit: coded.exit,
    hint: coded.hint,
    data: coded.data,
  };
}

/** The error a problem document stands for; undefined when it is none of the registry's. */
export function errorOf(body: unknown): BerthError | undefined {
  const parsed = problemView.safeParse(body);
  if (!parsed.success || !isErrorCode(parsed.data.code)) return undefined;
  // The data was made by this registry's own constructor on the other side.
  return new BerthError(parsed.data.code, parsed.data.data as BerthError['data']);
}
