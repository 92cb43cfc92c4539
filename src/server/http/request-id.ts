import type { IncomingMessage } from 'node:http';

/** In which header a request is named, by whoever makes it or by the answer. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** What may stand in the log and in headers as it came. */
const FORM = /^[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,127}$/;

/** The name that a request brings, or else a fresh one. */
export function requestId(
  { headers }: Pick<IncomingMessage, 'headers'>,
  fresh: () => string,
): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && FORM.test(given) ? given : fresh();
}
