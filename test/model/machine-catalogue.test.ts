import assert from 'node:assert/strict';
import test from 'node:test';
import { MACHINE_CATALOGUE } from '../../src/model/machine-catalogue.ts';
import { machineTopology } from '../../src/model/machine.ts';
import { cpuNumbers, topologyProblems } from '../../src/model/topology.ts';

test('every machine of the catalogue is sound, has a name of its own and says where it is from', () => {
  const names = MACHINE_CATALOGUE.map((machine) => machine.name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, title, source, description } of MACHINE_CATALOGUE) {
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.ok(title.length > 0 && title.length <= 90, name);
    assert.ok(source.length > 0, name);
    assert.deepEqual(topologyProblems(machineTopology(description)), [], name);
  }
});

test('the catalogue goes from the smallest machine to the largest', () => {
  const sizes = MACHINE_CATALOGUE.map(({ description }) =>
    cpuNumbers(machineTopology(description)),
  );
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => a - b),
  );
});

test('the catalogue has each kind of machine that placement must cope with', () => {
  const machines = MACHINE_CATALOGUE.map(({ description }) => machineTopology(description));
  const cells = machines.flatMap((machine) => machine.cells);
  assert.ok(
    cells.some((cell) => cell.cpus.length === 0 && cell.memoryBytes > 0),
    'memory alone',
  );
  assert.ok(
    machines.some((machine) => machine.offlineCpus.length > 0),
    'offline CPUs',
  );
  assert.ok(
    machines.some((machine) => machine.arch === 'aarch64'),
    'ARM',
  );
  assert.ok(
    machines.some((machine) => machine.cells.length === 8),
    'eight cells',
  );
  assert.ok(
    machines.some((machine) => new Set(machine.cells.map((cell) => cell.memoryBytes)).size > 1),
    'uneven memory',
  );
  assert.ok(
    machines.some((machine) => cpuNumbers(machine) > 256),
    'more than 256 CPUs',
  );
});
