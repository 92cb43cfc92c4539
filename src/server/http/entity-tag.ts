import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { berthError } from '../../base/errors.ts';

/** The tag of a text: another text has another one. */
function tagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
}

/**
 * The tag of a thing of that version. It is weak, because figures of the moment, which nobody decided
 * on, are no part of a version.
 */
export function weakTagOf(version: string): string {
  return `W/${tagOf(version)}`;
}

/**
 * Whether one of the tags of an If-None-Match or If-Match header is meant. Tags are compared weakly
 * (RFC 9110, 8.8.3.2): what a VM's tag leaves out are figures that nobody decided on.
 */
export function namesTag(header: string, tag: string): boolean {
  const opaque = tag.replace(/^W\//, '');
  return header.split(',').some((each) => {
    const given = each.trim();
    return given === '*' || given.replace(/^W\//, '') === opaque;
  });
}

/**
 * Gives every JSON answer to a GET a tag, unless its route has given it one, and answers 304 where
 * the client has that very answer.
 */
export function tagAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const own = reply.getHeader('etag');
    const tag = typeof own === 'string' ? own : tagOf(payload);
    reply.header('etag', tag);
    const known = request.headers['if-none-match'];
    if (known === undefined || !namesTag(known, tag)) return payload;
    reply.code(304).removeHeader('content-type').removeHeader('content-length');
    return '';
  });
}

/**
 * Holds an If-Match header against what is there.
 * @throws BERTH_PRECONDITION when it has changed since the client saw it
 */
export function mustMatch(header: string | undefined, tag: string, what: string): void {
  if (header === undefined || namesTag(header, tag)) return;
  throw berthError('BERTH_PRECONDITION', { what });
}
