import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildShim } from '../../../src/lab/machine/build-shim.ts';
import { describedMachine } from '../../../src/lab/machine/shown-machine.ts';
import type { CatalogueMachine } from '../../../src/model/machine-catalogue.ts';
import type { HostTopology } from '../../../src/model/topology.ts';
import { TEST_CACHE } from '../lab-host.ts';
import { assertSeen, isWithinLibnuma, seeMachine } from './shown-host.ts';

/** The test that every machine of the catalogue has to stand. */
export function testMachine(
  { name, title, description }: CatalogueMachine,
  { skip }: { readonly skip: string | false },
): void {
  test(`${name} is seen through a real libvirtd as it is described`, { skip }, async () => {
    const machine = describedMachine({ name, title }, description);
    const sight = await seeMachine(machine);
    assertSeen(machine, sight);
    const { topology } = machine;
    const whole = isWithinLibnuma(topology) ? toldByLibvirt(topology) : undefined;
    assert.deepEqual(sight.byLibvirt && toldByLibvirt(sight.byLibvirt), whole);
  });
}

/** The test that a machine of any size has to stand where libvirt is preloaded with the shim. */
export function testShimmedMachine(
  { name, description }: CatalogueMachine,
  { skip }: { readonly skip: string | false },
): void {
  test(`${name} is told whole by libvirt where the shim is`, { skip }, async () => {
    const machine = describedMachine({ name }, description);
    const sight = await seeMachine(machine, { shim: await buildShim({ dir: TEST_CACHE }) });
    assertSeen(machine, sight);
    assert.ok(sight.byLibvirt !== undefined, 'libvirt tells the CPUs of cells');
    assert.deepEqual(toldByLibvirt(sight.byLibvirt), toldByLibvirt(machine.topology));
  });
}

/** What capabilities tell: nothing of offline CPUs and PCI functions, nor of what is free. */
function toldByLibvirt({ cells }: HostTopology): unknown {
  return cells.map(({ id, memoryBytes, distances, cpus, pages }) => ({
    id,
    memoryBytes,
    distances,
    cpus,
    pages: pages.map(({ sizeKiB, total }) => ({ sizeKiB, total })),
  }));
}
