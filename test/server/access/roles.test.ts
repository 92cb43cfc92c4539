import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_RULES } from '../../../src/server/access/route-rules.ts';
import { includesRole } from '../../../src/server/access/caller.ts';
import { ROLES } from '../../../src/api/access.ts';
import { startNetRig } from './net-rig.ts';

/** Routes as they are declared, by what the OpenAPI document says of them. */
async function declaredRoutes(rig: Awaited<ReturnType<typeof startNetRig>>): Promise<string[]> {
  const { body } = await rig.ask('GET', '/api/v1/openapi.json');
  const paths = body['paths'] as Readonly<Record<string, object>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    ),
  );
}

/** A path of a route that names nothing that is there. */
function pathOf(route: string): readonly [method: string, path: string] {
  const [method = '', url = ''] = route.split(' ');
  return [method, url.replaceAll(/:\w+/g, 'none')];
}

test('every route has its least role, and no rule is for a route that is not there', async () => {
  await using rig = await startNetRig();
  const declared = await declaredRoutes(rig);
  assert.ok(declared.length > 20);
  assert.deepEqual(
    declared.filter((route) => !Object.hasOwn(ROUTE_RULES, route)),
    [],
    'routes without a rule',
  );
  const known = new Set([...declared, 'GET /api/v1/openapi.json']);
  assert.deepEqual(
    Object.keys(ROUTE_RULES).filter((route) => !known.has(route)),
    [],
    'rules without a route',
  );
});

test('each role is let do what it includes, and nothing else, on every route', async () => {
  await using rig = await startNetRig();
  const tokens = new Map<string, string>();
  for (const role of ROLES) tokens.set(role, await rig.token({ name: role, role }));
  const scoped = await rig.token({ name: 'scoped', role: 'admin', scope: 'app=db' });
  for (const [route, { least, scope }] of Object.entries(ROUTE_RULES)) {
    if (route.endsWith('/events')) continue; // a stream, which has no end
    const [method, path] = pathOf(route);
    if (least === 'anyone') continue;
    assert.equal((await rig.ask(method, path)).status, 401, route);
    for (const role of ROLES) {
      const { status } = await rig.ask(method, path, { token: tokens.get(role) ?? '' });
      assert.equal(status === 403, !includesRole(role, least), `${route} by ${role}: ${status}`);
    }
    const { status, body } = await rig.ask(method, path, { token: scoped });
    if (scope === 'closed') assert.equal(body.code, 'BERTH_FORBIDDEN', `${route}: ${status}`);
    // A body is checked before it is asked whom it is about.
    else if (/:name/.test(route) && status !== 400) assert.equal(status, 404, route);
  }
});
