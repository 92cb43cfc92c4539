import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { domainRecord } from '../../../src/host/domain-record.ts';
import type { DomainRecord } from '../../../src/host/domain-record.ts';
import { FleetChanges } from '../../../src/server/fleet/fleet-changes.ts';
import { vmSummaryOf } from '../../../src/server/services/views.ts';
import { comesFirst } from '../../../src/server/services/vm-list.ts';
import { VmRoll } from '../../../src/server/services/vm-roll.ts';

const uuidOf = (number: number): string => `5f1d3a52-0c5e-4a5e-9d55-0d9a4b3a1c0${number}`;

function record(uuid: number, name: string, state: DomainRecord['state']): DomainRecord {
  const xml = `<domain type='kvm'><name>${name}</name><uuid>${uuidOf(uuid)}</uuid>
    <memory unit='GiB'>1</memory><vcpu>1</vcpu></domain>`;
  return domainRecord(xml, state);
}

/** A domain that comes, or changes whatever of it, or goes. */
const happening = fc.record({
  host: fc.constantFrom('h1', 'h2'),
  uuid: fc.nat({ max: 4 }),
  name: fc.constantFrom('a', 'b', 'c'),
  state: fc.constantFrom('running' as const, 'shutoff' as const),
  isGone: fc.boolean(),
  isLookedAt: fc.boolean(),
});

test('whatever comes, changes and goes, the roll is what is there, in order', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      const changes = new FleetChanges();
      const roll = new VmRoll({ mirrors: [], changes });
      const there = new Map<string, ReturnType<typeof vmSummaryOf>>();
      for (const { host, uuid, name, state, isGone, isLookedAt } of happenings) {
        const key = `${host} ${uuid}`;
        const isNew = !there.has(key);
        if (isGone && isNew) continue;
        // No host has two domains of one name.
        const isTaken = [...there].some(
          ([other, vm]) => other !== key && vm.host === host && vm.name === name,
        );
        if (!isGone && isTaken) continue;
        const seen = record(uuid, name, state);
        if (isGone) there.delete(key);
        else there.set(key, vmSummaryOf(seen, host));
        const change = isGone ? 'gone' : isNew ? 'appeared' : 'changed';
        changes.publish({ kind: 'vm', host, change, record: seen });
        if (isLookedAt) assert.equal(roll.inOrder.length, there.size);
      }
      assert.deepEqual(
        roll.inOrder.map(({ vm }) => vm),
        [...there.values()].toSorted((one, other) => (comesFirst(one, other) ? -1 : 1)),
      );
    }),
  );
});
