import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVmDocument } from '../../src/api/vm-spec.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { requestOf } from '../../src/engine/request.ts';

function documentWith(placement: unknown, more: object = {}): unknown {
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'web-1', labels: { app: 'web' } },
    spec: { memory: { size: '1GiB' }, placement, ...more },
  };
}

function faultOf(placement: unknown): string {
  try {
    parseVmDocument(documentWith(placement));
  } catch (error) {
    if (isBerthError(error, 'BERTH_SPEC_INVALID')) return `${error.data.where}: ${error.message}`;
    throw error;
  }
  return '';
}

test('a label by itself is a hard rule over hosts', () => {
  const spec = parseVmDocument(
    documentWith({
      affinity: ['app=db'],
      antiAffinity: [{ selector: 'app=web', over: 'rack', hard: false }],
      spread: [{ over: 'zone' }],
    }),
  );
  assert.deepEqual(spec.affinity, [{ selector: 'app=db', over: 'host', hard: true }]);
  assert.deepEqual(spec.antiAffinity, [{ selector: 'app=web', over: 'rack', hard: false }]);
  assert.deepEqual(spec.spread, [{ over: 'zone', maxSkew: 1, hard: true }]);
});

test('hosts are given by name or by their labels', () => {
  const named = parseVmDocument(documentWith({ hosts: ['h1', 'h2'], excludeHosts: ['h3'] }));
  assert.deepEqual(
    [named.hosts, named.excludeHosts, named.hostLabels],
    [['h1', 'h2'], ['h3'], undefined],
  );
  const labelled = parseVmDocument(documentWith({ hosts: { zone: 'a' } }));
  assert.deepEqual([labelled.hosts, labelled.hostLabels], [[], { zone: 'a' }]);
});

test('a request carries labels, networks, rules and the expected lifetime', () => {
  const nics = [{ network: 'lan' }, { bridge: 'br0' }, { network: 'lan' }, { user: true }];
  const placement = { antiAffinity: ['app=web'], expectedLifetime: '6h' };
  const request = requestOf(parseVmDocument(documentWith(placement, { nics })));
  assert.deepEqual(request.labels, { app: 'web' });
  assert.deepEqual(request.networks, ['lan', 'br0']);
  assert.deepEqual(request.antiAffinity, [{ selector: 'app=web', over: 'host', hard: true }]);
  assert.equal(request.expectedLifetimeMs, 21_600_000);
});

test('what no rule can be is refused by its path', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ affinity: ['db'] }, /^spec\.placement\.affinity\[0\]/],
    [{ antiAffinity: [{ over: 'zone' }] }, /^spec\.placement\.antiAffinity\[0\]/],
    [{ spread: [{ over: 'zone', maxSkew: 0 }] }, /^spec\.placement\.spread\[0\]\.maxSkew/],
    [{ spread: [{ maxSkew: 1 }] }, /^spec\.placement\.spread\[0\]\.over/],
    [{ expectedLifetime: '6' }, /^spec\.placement\.expectedLifetime/],
    [{ hosts: 'h1' }, /^spec\.placement\.hosts/],
    [{ host: ['h1'] }, /^spec\.placement\.host: /],
  ];
  for (const [placement, where] of wrong) assert.match(faultOf(placement), where);
});

test('rules that contradict each other name both sides', () => {
  assert.match(
    faultOf({ hosts: ['h1'], excludeHosts: ['h1', 'h2'] }),
    /excludeHosts.*every host of spec\.placement\.hosts \(h1\)/,
  );
  assert.match(
    faultOf({ affinity: ['app=db'], antiAffinity: ['app=db'] }),
    /antiAffinity\[0\].*app=db over host is in spec\.placement\.affinity/,
  );
});
