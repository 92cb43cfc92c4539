import type { FastifyRequest } from 'fastify';
import { isActive } from '../../host/domain-record.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { labelsOfRecord } from '../services/vm-labels.ts';
import { noteChange } from './audit-trail.ts';
import type { Caller } from './caller.ts';
import { FailureLimit } from './failure-limit.ts';
import type { Allowance } from './failure-limit.ts';

/** Entries of refusals for each token or address, and for all. */
const PER_ACTOR: Allowance = { burst: 50, refillMs: 60_000 };
const OVERALL: Allowance = { burst: 500, refillMs: 6_000 };

/** Methods that change nothing (RFC 9110, 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** What only tells what would be. */
const CHANGES_NOTHING: ReadonlySet<string> = new Set(['/api/v1/plan', '/api/v1/plans']);
const LOGIN = '/api/v1/login';

/**
 * Which answers are written to the audit log: every change by those who may make any, and of what was
 * refused as much as fits an allowance, so that nobody fills the store by being refused.
 */
export class AuditedAnswers {
  readonly #limit: FailureLimit;

  constructor(now: () => number) {
    this.#limit = new FailureLimit(now, PER_ACTOR, OVERALL);
  }

  /** @param caller undefined for nobody, whose failed login is written down by its address. */
  isAudited(
    { method, routeOptions }: FastifyRequest,
    status: number,
    caller: Caller | undefined,
    address = 'socket',
  ): boolean {
    const { url } = routeOptions;
    if (caller === undefined) return url === LOGIN && status === 401 && this.#fits(address);
    const isRefused = status === 403;
    const isChange = !SAFE.has(method) && url !== undefined && !CHANGES_NOTHING.has(url);
    if (!isRefused && !isChange) return false;
    const isFree = !isRefused && caller.role !== 'viewer';
    return isFree || this.#fits(caller.tokenId ?? caller.actor);
  }

  #fits(actor: string): boolean {
    if (this.#limit.waitMs(actor) > 0) return false;
    this.#limit.failed(actor);
    return true;
  }
}

/** Tells the audit log how what a path names stands before it is changed. */
export function noteBefore(request: FastifyRequest, fleet: Fleet): void {
  if (SAFE.has(request.method)) return;
  const { url = '' } = request.routeOptions;
  const { name = '' } = request.params as { readonly name?: string };
  if (url.startsWith('/api/v1/vms/:name')) noteVm(request, fleet, name);
  if (url === '/api/v1/hosts/:name') noteHost(request, fleet, name);
}

function noteVm(request: FastifyRequest, fleet: Fleet, name: string): void {
  const found = fleet.find(name);
  if (found === undefined) return;
  const { record, mirror } = found;
  const standing = { host: mirror.name, state: isActive(record.state) ? 'running' : 'off' };
  const { document } = record.metadata ?? {};
  const isObject = typeof document === 'object' && document !== null;
  const before = isObject ? document : { labels: labelsOfRecord(record) };
  noteChange(request, { before: { ...standing, ...before } });
}

function noteHost(request: FastifyRequest, fleet: Fleet, name: string): void {
  const mirror = fleet.mirrors.find((each) => each.name === name);
  if (mirror === undefined) return;
  const { uri, profile } = mirror;
  const { labels, settings } = profile;
  noteChange(request, { before: { name, uri, labels, settings } });
}
