import cookies from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorOf } from '../../api/problem.ts';
import { present } from '../../base/assert.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { noteFacts } from '../http/request-log.ts';
import type { OperationAsker } from '../operations/asker.ts';
import { labelsOf, labelsOfRecord } from '../services/vm-labels.ts';
import type { VmLabels } from '../services/vm-labels.ts';
import { AuditedAnswers, noteBefore } from './audit-guard.ts';
import { changeOf } from './audit-trail.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Authenticator, ProvenSession } from './authenticator.ts';
import { includesRole, OWNER, seesLabels } from './caller.ts';
import type { Caller } from './caller.ts';
import { withoutHidden } from './out-of-sight.ts';
import type { SightOf } from './out-of-sight.ts';
import { ruleOf } from './route-rules.ts';
import type { RouteRule } from './route-rules.ts';
import { cookieOf } from './session-cookie.ts';
import { isSameWord } from './sessions.ts';
import type { Ways } from './ways.ts';

/** Methods that change nothing (RFC 9110, 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Nothing that the server answers is to be kept, framed, or taken for something else. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
const TLS_ONLY = 'max-age=31536000';

/** Who made a request, and by what. */
interface Identity {
  readonly caller: Caller;
  readonly session?: ProvenSession;
}

/** What the guard asks. */
export interface GuardParts {
  readonly authenticator: Authenticator;
  readonly trail: AuditTrail;
  readonly ways: Ways;
  readonly fleet: Fleet;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const identities = new WeakMap<FastifyRequest, Identity>();

/** The session that a request was made in; undefined for one with a token, or by the socket. */
export function sessionOf(request: FastifyRequest): ProvenSession | undefined {
  return identities.get(request)?.session;
}

/** Tells whom a login has turned out to be, for the audit log. */
export function knowAs(request: FastifyRequest, caller: Caller): void {
  identities.set(request, { caller });
  noteFacts(request, { actor: caller.actor });
}

/** Who makes a request that the guard has let in. */
export function callerOf(request: FastifyRequest): Caller {
  return present(identities.get(request), 'who makes a request that was let in').caller;
}

/** The token that a request was made with: nothing for the owner of the server's socket. */
export function askerOf(request: FastifyRequest): OperationAsker {
  const { actor, tokenId } = identities.get(request)?.caller ?? {};
  return tokenId === undefined ? {} : { actor, token: tokenId };
}

/**
 * Stands before every route: who asks, whether that role and scope may, whether a browser was made to
 * ask; and writes down what was changed or refused. It must be put up before the routes.
 */
export async function guard(app: FastifyInstance, parts: GuardParts): Promise<void> {
  await app.register(cookies);
  const answers = new AuditedAnswers(parts.now);
  app.addHook('onRequest', async (request, reply) => {
    setHeaders(request, reply, parts.ways);
    const rule = ruleOf(request.method, request.routeOptions.url);
    if (rule?.least === 'anyone') return;
    const identity = await identify(request, parts);
    identities.set(request, identity);
    noteFacts(request, { actor: identity.caller.actor });
    refuseForgery(request, identity, parts.ways);
    refuseRole(request, identity.caller, rule);
  });
  app.addHook('onError', async (_request, reply, error: unknown) => {
    if (isBerthError(error, 'BERTH_UNAUTHENTICATED')) reply.header('www-authenticate', 'Bearer');
    if (isBerthError(error, 'BERTH_RATE_LIMITED')) {
      reply.header('retry-after', error.data.retryAfterS);
    }
  });
  app.addHook('preHandler', async (request, reply) => {
    const rule = ruleOf(request.method, request.routeOptions.url);
    const caller = identities.get(request)?.caller;
    noteBefore(request, parts.fleet);
    if (rule?.scope === 'vm' && caller !== undefined) {
      refuseScope(request, caller, rule.body, parts.fleet);
    }
    if (caller?.tokenId !== undefined && lasts(request)) {
      followStream(request, reply, caller.tokenId, parts);
    }
    // An upgrade has no answer that could be waited for.
    if (rule?.isAudited === true && request.ws) await audit(request, 101, undefined, parts);
  });
  app.addHook('preSerialization', async (request, _reply, payload) => {
    const caller = identities.get(request)?.caller;
    if (caller?.scope === undefined) return payload;
    return withoutHidden(payload, (name) => sightOf(caller, name, parts.fleet));
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const { statusCode } = reply;
    const caller = identities.get(request)?.caller;
    const address = parts.ways.addressOf(request);
    if (answers.isAudited(request, statusCode, caller, address)) {
      await audit(request, statusCode, codeIn(statusCode, payload), parts);
    }
    return payload;
  });
}

function sightOf(caller: Caller, name: string, fleet: Fleet): ReturnType<SightOf> {
  const found = fleet.find(name);
  if (found === undefined) return 'none';
  return seesLabels(caller, labelsOfRecord(found.record)) ? 'seen' : 'hidden';
}

/** Whether an answer lasts for as long as its reader likes, or waits for something to happen. */
function lasts(request: FastifyRequest): boolean {
  const { after } = (request.query ?? {}) as { readonly after?: unknown };
  const isWaiting = request.routeOptions.url === '/api/v1/operations/:id' && after !== undefined;
  return request.ws || isWaiting || request.routeOptions.url === '/api/v1/events';
}

/** Ends what lasts when its token does; a console also when its VM leaves the token's scope. */
function followStream(
  request: FastifyRequest,
  reply: FastifyReply,
  tokenId: string,
  { authenticator, fleet }: GuardParts,
): void {
  const { socket } = request.raw;
  const { name } = request.params as { readonly name?: string };
  const uuid = name === undefined ? undefined : fleet.find(name)?.record.uuid;
  const unfollow = authenticator.streams.follow(tokenId, {
    isAllowed: (caller) => uuid === undefined || seesLabels(caller, fleet.labelsOf(uuid)?.labels),
    end: () => socket.destroy(),
  });
  (request.ws ? socket : reply.raw).once('close', unfollow);
}

/** On the raw answer, so that streams which take that over have them as well. */
function setHeaders(request: FastifyRequest, reply: FastifyReply, ways: Ways): void {
  for (const [name, value] of Object.entries(HEADERS)) reply.raw.setHeader(name, value);
  if (ways.of(request) === 'tls') reply.raw.setHeader('strict-transport-security', TLS_ONLY);
}

/** @throws BERTH_UNAUTHENTICATED, BERTH_RATE_LIMITED */
async function identify(
  request: FastifyRequest,
  { authenticator, ways }: GuardParts,
): Promise<Identity> {
  const address = ways.addressOf(request);
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [, token = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    const { caller } = await authenticator.byToken(token, address ?? 'socket');
    return { caller };
  }
  if (address === undefined) return { caller: OWNER };
  const cookie = cookieOf(request, ways.isEncrypted(request));
  if (cookie !== undefined) {
    const session = await authenticator.bySession(cookie);
    return { caller: session.caller, session };
  }
  throw berthError('BERTH_UNAUTHENTICATED', { reason: 'no token was given' });
}

/**
 * A browser sends its cookies whoever made it ask. What changes something must therefore carry a word
 * that only our pages know, and a websocket, which pages of others may open, must come from ours.
 */
function refuseForgery(request: FastifyRequest, { caller, session }: Identity, ways: Ways): void {
  if (session === undefined) return;
  const { headers, method } = request;
  const word = headers['x-csrf-token'];
  const isOurs = typeof word === 'string' && isSameWord(word, session.session.csrfToken);
  if (!SAFE.has(method) && !isOurs) {
    throw forbidden(caller, request, 'the header X-CSRF-Token of the session is missing or wrong');
  }
  if (request.ws && !isSameOrigin(request, ways)) {
    throw forbidden(caller, request, 'the websocket is opened by a page of another site');
  }
}

/** Whether the page that asks is of this very server. */
export function isSameOrigin(request: FastifyRequest, ways: Ways): boolean {
  const { origin, host } = request.headers;
  const scheme = ways.isEncrypted(request) ? 'https' : 'http';
  return origin !== undefined && host !== undefined && origin === `${scheme}://${host}`;
}

function refuseRole(request: FastifyRequest, caller: Caller, rule: RouteRule | undefined): void {
  if (caller === OWNER) return;
  if (rule === undefined) throw forbidden(caller, request, 'no role is let do that');
  const { least, scope } = rule;
  if (least !== 'anyone' && !includesRole(caller.role, least)) {
    throw forbidden(caller, request, `that is for the role ${least}, and it has ${caller.role}`);
  }
  if (scope === 'closed' && caller.scope !== undefined) {
    throw forbidden(caller, request, `it is only for VMs with ${caller.scope.text}`);
  }
}

/** A VM out of scope is not there; what a body says of labels is refused, since its sender knows it. */
function refuseScope(
  request: FastifyRequest,
  caller: Caller,
  body: RouteRule['body'],
  fleet: Fleet,
): void {
  if (caller.scope === undefined) return;
  const { name } = request.params as { readonly name?: string };
  const found = name === undefined ? undefined : fleet.find(name);
  const labels = labelsOfRecord(found?.record);
  if (name !== undefined && (found === undefined || !seesLabels(caller, labels))) {
    throw berthError('BERTH_NOT_FOUND', { kind: 'VM', name, known: [] });
  }
  if (body === undefined) return;
  const then = body === 'document' ? labelsOf(request.body) : changedLabels(labels, request.body);
  if (seesLabels(caller, then)) return;
  const reason = `the VM must keep to labels that match ${caller.scope.text}`;
  throw forbidden(caller, request, reason);
}

/** Labels after a change of them, where null takes one away. */
function changedLabels(labels: VmLabels, change: unknown): Record<string, string> {
  const then = new Map<string, unknown>([
    ...Object.entries(labels ?? {}),
    ...Object.entries(change ?? {}),
  ]);
  return Object.fromEntries(
    [...then].filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function forbidden(caller: Caller, { method, url }: FastifyRequest, reason: string): Error {
  const [path = ''] = url.split('?');
  return berthError('BERTH_FORBIDDEN', { actor: caller.actor, what: `${method} ${path}`, reason });
}

async function audit(
  request: FastifyRequest,
  status: number,
  code: string | undefined,
  { trail, ways }: GuardParts,
): Promise<void> {
  const { method, routeOptions } = request;
  const { operationId } = (routeOptions.schema ?? {}) as { readonly operationId?: string };
  const address = ways.addressOf(request);
  await trail.write({
    actor: identities.get(request)?.caller.actor ?? 'nobody',
    action: operationId ?? `${method} ${routeOptions.url ?? 'unknown'}`,
    request: request.id,
    status,
    ...(address === undefined ? {} : { address }),
    ...(code === undefined ? {} : { code }),
    ...changeOf(request),
  });
}

/** The code of a problem that is about to be sent. */
function codeIn(status: number, payload: unknown): string | undefined {
  if (status < 400 || typeof payload !== 'string') return undefined;
  return errorOf(parsed(payload))?.code;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
