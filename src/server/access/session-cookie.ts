import '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** With the prefix a browser takes the cookie only over TLS, from this host alone (RFC 6265bis). */
const OVER_TLS = '__Host-berth';
const OVER_LOOPBACK = 'berth';

type CookieForm = NonNullable<Parameters<FastifyReply['setCookie']>[2]>;

/**
 * What the cookie of a session says; undefined without one. Over TLS the plain name means nothing:
 * whoever is on the way to another port of that host could have set it.
 */
export function cookieOf({ cookies }: FastifyRequest, isEncrypted: boolean): string | undefined {
  return cookies[isEncrypted ? OVER_TLS : OVER_LOOPBACK];
}

/** Scripts cannot read it, and no other site can make a browser send it. */
export function setCookie(reply: FastifyReply, cookie: string, isEncrypted: boolean): void {
  reply.setCookie(isEncrypted ? OVER_TLS : OVER_LOOPBACK, cookie, formOf(isEncrypted));
}

export function clearCookie(reply: FastifyReply, isEncrypted: boolean): void {
  reply.clearCookie(isEncrypted ? OVER_TLS : OVER_LOOPBACK, formOf(isEncrypted));
}

function formOf(isEncrypted: boolean): CookieForm {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted };
}
