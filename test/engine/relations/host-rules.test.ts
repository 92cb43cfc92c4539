import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place } from '../../../src/engine/place.ts';
import { hostRules, mayUse } from '../../../src/engine/relations/host-rules.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const host = { ...syntheticHost(), labels: { zone: 'a' }, networks: ['lan', 'dmz'] };

test('a host with other labels, or without them, is refused by each label', () => {
  const request = ask({ hostLabels: { zone: 'b', rack: '7' } });
  assert.equal(mayUse(host, request), false);
  assert.deepEqual(
    hostRules(host, request).map(({ check, say }) => [check, say]),
    [
      ['host-label', 'the VM is to run on a host with zone=b, and h1 has zone=a'],
      ['host-label', 'the VM is to run on a host with rack=7, and h1 has no label rack'],
    ],
  );
  assert.deepEqual(hostRules(host, ask({ hostLabels: { zone: 'a' } })), []);
});

test('a host that is left out by name is refused', () => {
  assert.deepEqual(
    hostRules(host, ask({ excludeHosts: ['h1'] })).map(({ say }) => say),
    ['the VM is not to run on h1'],
  );
  assert.deepEqual(hostRules(host, ask({ excludeHosts: ['h2'] })), []);
});

test('a host lacks only networks that it is known to lack', () => {
  const request = ask({ networks: ['lan', 'storage'] });
  assert.deepEqual(
    hostRules(host, request).map(({ say }) => say),
    ['the VM needs network storage, and h1 has lan, dmz'],
  );
  assert.deepEqual(hostRules(syntheticHost(), request), []);
});

test('a host that lacks a label and room says both', () => {
  const result = place([host], ask({ hostLabels: { zone: 'b' }, vcpus: 64 }));
  assert.ok(!result.ok);
  const checks = result.refusals[0]?.checks.map(({ check }) => check) ?? [];
  assert.equal(checks[0], 'host-label');
  assert.ok(checks.includes('free-pcpus'), checks.join());
});

test('of two hosts with room the one is taken that the rules between VMs allow', () => {
  const seats = [syntheticSeat('db', { labels: { app: 'db' } })];
  const hosts = [syntheticHost({ name: 'h1', seats }), syntheticHost({ name: 'h2' })];
  const near = [{ selector: 'app=db', over: 'host', hard: true }];
  const chosen = (request: Parameters<typeof ask>[0]): string | undefined => {
    const result = place(hosts, ask(request));
    return result.ok ? result.placement.host : undefined;
  };
  assert.equal(chosen({ affinity: near }), 'h1');
  assert.equal(chosen({ antiAffinity: near }), 'h2');
  assert.equal(chosen({ antiAffinity: near, hosts: ['h1'] }), undefined);
});

test('a wish tips the balance and stands in the score', () => {
  const seats = [syntheticSeat('db', { labels: { app: 'db' } })];
  const hosts = [syntheticHost({ name: 'h1' }), syntheticHost({ name: 'h2', seats })];
  const near = [{ selector: 'app=db', over: 'host', hard: false }];
  const result = place(hosts, ask({ affinity: near }));
  assert.ok(result.ok);
  assert.equal(result.placement.host, 'h2');
  const wishes = result.score.terms.find(({ name }) => name === 'wishes');
  assert.equal(wishes?.value, 1);
});
