import type { Role } from '../../api/access.ts';

/**
 * What a token with a scope is let do on a route:
 * - `vm`: the VM that `:name` names must match, else it is not there.
 * - `filtered`: the route itself shows only what `seesLabels` lets through.
 * - `closed`: nothing, because the route tells of more than VMs.
 */
export type ScopeRule = 'vm' | 'filtered' | 'closed';

/** Who may use a route. */
export interface RouteRule {
  /** The least role; `anyone` needs no token. */
  readonly least: Role | 'anyone';
  readonly scope: ScopeRule;
  /** What the body says of labels, which must match a scope as well: a VM document, or changes. */
  readonly body?: 'document' | 'labels';
  /** True for what is written to the audit log although its method says that it only looks. */
  readonly isAudited?: true;
}

const anyone: RouteRule = { least: 'anyone', scope: 'filtered' };
const look: RouteRule = { least: 'viewer', scope: 'closed' };
const lookAtAllowed: RouteRule = { least: 'viewer', scope: 'filtered' };
const lookAtVm: RouteRule = { least: 'viewer', scope: 'vm' };
const actOnVm: RouteRule = { least: 'operator', scope: 'vm' };
const administer: RouteRule = { least: 'admin', scope: 'closed' };

/**
 * Every route and the least role for it. One that is missing here is closed to everybody but the
 * owner of the socket.
 */
export const ROUTE_RULES: Readonly<Record<string, RouteRule>> = {
  'POST /api/v1/login': anyone,
  'POST /api/v1/logout': lookAtAllowed,
  'GET /api/v1/whoami': lookAtAllowed,
  'GET /api/v1/tokens': administer,
  'POST /api/v1/tokens': administer,
  'DELETE /api/v1/tokens/:name': administer,
  'GET /api/v1/audit': administer,

  'GET /healthz': anyone,
  'GET /readyz': anyone,
  'GET /metrics': lookAtAllowed,
  'GET /api/v1/openapi.json': anyone,
  'GET /api/v1/server': lookAtAllowed,
  'GET /api/v1/events': lookAtAllowed,

  'GET /api/v1/hosts': look,
  'GET /api/v1/hosts/:name': look,
  'GET /api/v1/hosts/:name/history': look,
  'GET /api/v1/usage/hosts': look,
  'GET /api/v1/usage/vms': lookAtAllowed,
  'POST /api/v1/hosts': administer,
  'PATCH /api/v1/hosts': administer,
  'PATCH /api/v1/hosts/:name': administer,
  'DELETE /api/v1/hosts/:name': administer,

  'GET /api/v1/vms': lookAtAllowed,
  'POST /api/v1/vms': { ...actOnVm, body: 'document' },
  'GET /api/v1/vms/:name': lookAtVm,
  'PUT /api/v1/vms/:name': { ...actOnVm, body: 'document' },
  'PATCH /api/v1/vms/:name/labels': { ...actOnVm, body: 'labels' },
  'DELETE /api/v1/vms/:name': actOnVm,
  'GET /api/v1/vms/:name/why': lookAtVm,
  'GET /api/v1/vms/:name/drift': lookAtVm,
  'GET /api/v1/vms/:name/history': lookAtVm,
  // What nobody has labelled yet is in no scope.
  'POST /api/v1/vms/:name/adopt': { least: 'operator', scope: 'closed' },
  'GET /api/v1/vms/:name/console': { ...actOnVm, isAudited: true },
  'POST /api/v1/vms/:name/start': actOnVm,
  'POST /api/v1/vms/:name/stop': actOnVm,
  'POST /api/v1/vms/:name/reboot': actOnVm,
  'POST /api/v1/vms/:name/pause': actOnVm,
  'POST /api/v1/vms/:name/resume': actOnVm,
  // It changes nothing, so a viewer may ask.
  'POST /api/v1/plan': { ...lookAtVm, body: 'document' },
  'POST /api/v1/plans': look,
  'GET /api/v1/drift': look,

  'GET /api/v1/operations': lookAtAllowed,
  'GET /api/v1/operations/:id': lookAtAllowed,
  'POST /api/v1/operations/:id/cancel': { least: 'operator', scope: 'filtered' },
};

const UNKNOWN: RouteRule = { least: 'viewer', scope: 'filtered' };

/**
 * The rule of a route; undefined for one that has none. HEAD is as GET. A path that is no route at
 * all is told to be none only to those who may look.
 */
export function ruleOf(method: string, url: string | undefined): RouteRule | undefined {
  if (url === undefined) return UNKNOWN;
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  return Object.hasOwn(ROUTE_RULES, key) ? ROUTE_RULES[key] : undefined;
}
