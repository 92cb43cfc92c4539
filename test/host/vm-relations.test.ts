import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { vmRelations } from '../../src/host/vm-relations.ts';

test('a VM shows the others its labels and whom it never suffers beside it', () => {
  const antiAffinity = [
    'app=db',
    { selector: 'app=web', over: 'zone' },
    { selector: 'app=cache', hard: false },
  ];
  assert.deepEqual(
    vmRelations({
      metadata: { name: 'db-1', labels: { app: 'db' } },
      spec: { placement: { antiAffinity } },
    }),
    {
      labels: { app: 'db' },
      keepsAway: [
        { selector: 'app=db', over: 'host' },
        { selector: 'app=web', over: 'zone' },
      ],
      asks: {
        antiAffinity: [
          { selector: 'app=db', over: 'host', hard: true },
          { selector: 'app=web', over: 'zone', hard: true },
        ],
      },
    },
  );
});

test('what a VM asks of its host stays known, so that it is moved only where that holds', () => {
  const spread = [
    { over: 'zone', selector: 'app=db' },
    { over: 'rack', hard: false },
  ];
  const placement = { hosts: ['a', 'b'], excludeHosts: ['c'], affinity: ['app=db'], spread };
  const nics = [{ user: true }, { network: 'storage' }, { bridge: 'br0' }];
  assert.deepEqual(vmRelations({ spec: { placement, nics } }), {
    asks: {
      hosts: ['a', 'b'],
      excludeHosts: ['c'],
      affinity: [{ selector: 'app=db', over: 'host', hard: true }],
      spread: [{ over: 'zone', selector: 'app=db', maxSkew: 1, hard: true }],
      networks: ['storage', 'br0'],
    },
  });
  const labelled = vmRelations({ spec: { placement: { hosts: { zone: 'a' } } } });
  assert.deepEqual(labelled, { asks: { hostLabels: { zone: 'a' } } });
});

test('a document without labels or rules, or a damaged one, shows nothing', () => {
  for (const document of [undefined, null, 7, 'text', [], {}, { metadata: 3, spec: [] }]) {
    assert.deepEqual(vmRelations(document), {});
  }
  assert.deepEqual(
    vmRelations({ metadata: { labels: { a: 1 } }, spec: { placement: { antiAffinity: [5, {}] } } }),
    {},
  );
});

test('whatever stands there, reading it never fails', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (metadata, antiAffinity) => {
      vmRelations({ metadata, spec: { placement: { antiAffinity } } });
    }),
  );
});
