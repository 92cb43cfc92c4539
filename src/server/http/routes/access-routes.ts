import { z } from 'zod';
import {
  auditPage,
  auditQuery,
  createdToken,
  loginBody,
  tokenList,
  tokenName,
  tokenView,
  tokenWish,
  whoamiView,
} from '../../../api/access.ts';
import type { WhoamiView } from '../../../api/access.ts';
import { berthError } from '../../../base/errors.ts';
import type { Access } from '../../access/access.ts';
import { noteChange } from '../../access/audit-trail.ts';
import type { Caller } from '../../access/caller.ts';
import { callerOf, isSameOrigin, knowAs, sessionOf } from '../../access/guard.ts';
import { clearCookie, cookieOf, setCookie } from '../../access/session-cookie.ts';
import type { App } from './route-parts.ts';

/** Nobody needs a token to send it. */
const LOGIN_BYTES_MAX = 4096;

/** `/tokens` and `/audit`. */
export function accessRoutes(app: App, { authenticator, trail }: Access): void {
  const { tokens } = authenticator;
  app.get(
    '/tokens',
    {
      schema: {
        operationId: 'listTokens',
        tags: ['access'],
        summary: 'Lists the tokens, without their secrets',
        response: { 200: tokenList },
      },
    },
    async () => ({ tokens: [...(await tokens.list())] }),
  );
  app.post(
    '/tokens',
    {
      schema: {
        operationId: 'createToken',
        tags: ['access'],
        summary: 'Makes a token; its secret is told this once',
        body: tokenWish,
        response: { 201: createdToken },
      },
    },
    async (request, reply) => {
      const created = await tokens.create(request.body);
      const { token: _, ...view } = created;
      noteChange(request, { after: view });
      return reply.code(201).send(created);
    },
  );
  const params = z.object({ name: tokenName });
  app.delete(
    '/tokens/:name',
    {
      schema: {
        operationId: 'removeToken',
        tags: ['access'],
        summary: 'Revokes a token',
        params,
        response: { 200: tokenView },
      },
    },
    async (request) => {
      const removed = await authenticator.revoke(request.params.name);
      noteChange(request, { before: removed });
      return removed;
    },
  );
  app.get(
    '/audit',
    {
      schema: {
        operationId: 'listAudit',
        tags: ['access'],
        summary: 'Lists who changed what, and who was refused, the newest first',
        querystring: auditQuery,
        response: { 200: auditPage },
      },
    },
    async (request) => trail.page(request.query),
  );
}

/** `/login`, `/logout` and `/whoami`. */
export function loginRoutes(app: App, { authenticator, ways }: Access): void {
  app.post(
    '/login',
    {
      bodyLimit: LOGIN_BYTES_MAX,
      schema: {
        operationId: 'login',
        tags: ['access'],
        summary: 'Begins the session of a browser with a token',
        body: loginBody,
        response: { 200: whoamiView },
      },
    },
    async (request, reply) => {
      // A page of somebody else must not log a browser in as somebody of its own.
      if (request.headers.origin !== undefined && !isSameOrigin(request, ways)) {
        const reason = 'a page of another site asks for it';
        throw berthError('BERTH_FORBIDDEN', { actor: 'nobody', what: 'log in', reason });
      }
      const address = ways.addressOf(request) ?? 'socket';
      const { cookie, caller, session, expiresAt } = await authenticator.login(
        request.body.token,
        address,
      );
      knowAs(request, caller);
      setCookie(reply, cookie, ways.isEncrypted(request));
      return whoamiOf(caller, {
        csrfToken: session.csrfToken,
        expiresAt: Math.min(session.expiresAt, expiresAt ?? Number.POSITIVE_INFINITY),
      });
    },
  );
  app.post(
    '/logout',
    {
      schema: {
        operationId: 'logout',
        tags: ['access'],
        summary: 'Ends the session of a browser',
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const cookie = cookieOf(request, ways.isEncrypted(request));
      if (cookie !== undefined) authenticator.logout(cookie);
      clearCookie(reply, ways.isEncrypted(request));
      return reply.code(204).send();
    },
  );
  app.get(
    '/whoami',
    {
      schema: {
        operationId: 'whoami',
        tags: ['access'],
        summary: 'Tells who asks, and what that may do',
        response: { 200: whoamiView },
      },
    },
    async (request) => {
      const session = sessionOf(request)?.session;
      return whoamiOf(
        callerOf(request),
        session === undefined ? {} : { csrfToken: session.csrfToken, expiresAt: session.expiresAt },
      );
    },
  );
}

function whoamiOf(
  { actor, role, scope }: Caller,
  session: Pick<WhoamiView, 'csrfToken' | 'expiresAt'>,
): WhoamiView {
  return { actor, role, ...(scope === undefined ? {} : { scope: scope.text }), ...session };
}
