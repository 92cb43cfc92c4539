import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CELLS,
  kvmHostTopology,
  machineArguments,
  MACHINE_FDS,
  NICS,
} from '../../../src/lab/kvm-host/kvm-machine.ts';
import { macOf, uuidOf } from '../../../src/lab/kvm-host/machine-identity.ts';
import { topologyProblems } from '../../../src/model/topology.ts';

describe('the machine of a KVM host', () => {
  test('is the same whether it boots or is restored, but for its disk and where it begins', () => {
    const boots = pairs('boot').filter(([name]) => !ABOUT_START.has(name));
    const restored = pairs('restore').filter(([name]) => !ABOUT_START.has(name));
    assert.deepEqual(boots, restored);
    assert.deepEqual(valuesOf('restore', '-incoming'), ['defer']);
    assert.deepEqual(valuesOf('boot', '-incoming'), []);
  });

  test('has its disk as layers, the uppermost its own, the others inherited', () => {
    assert.deepEqual(layers('boot'), ['disk.qcow2', `/dev/fdset/${MACHINE_FDS.base}`]);
    assert.deepEqual(layers('restore'), [
      'disk.qcow2',
      `/dev/fdset/${MACHINE_FDS.savedDisk}`,
      `/dev/fdset/${MACHINE_FDS.base}`,
    ]);
    const sets = valuesOf('restore', '-add-fd');
    assert.deepEqual(sets, ['fd=4,set=4', 'fd=3,set=3']);
  });

  test('has the memory and the distances of its cells', () => {
    const nodes = valuesOf('boot', '-numa').filter((value) => value.startsWith('node'));
    assert.equal(nodes.length, CELLS.length);
    assert.deepEqual(valuesOf('boot', '-m'), ['3072']);
    assert.ok(valuesOf('boot', '-numa').includes('dist,src=0,dst=3,val=28'));
    assert.ok(!valuesOf('boot', '-numa').some((value) => value.includes('val=10')));
  });

  test('puts each device on the cell that its description names', () => {
    const devices = valuesOf('boot', '-device');
    assert.ok(devices.includes('pxb-pcie,id=cell1,bus=pcie.0,addr=1,bus_nr=32,numa_node=1'));
    assert.ok(
      devices.includes('pcie-root-port,id=slot1.1,bus=cell1,addr=1,chassis=2,slot=2'),
      devices.join('\n'),
    );
    assert.ok(devices.includes('e1000e,netdev=nic1,mac=52:54:00:be:00:03,bus=slot1.1'));
  });

  test('runs without rights and has no NIC that leads out', () => {
    assert.match(valuesOf('boot', '-sandbox')[0] ?? '', /^on,.*spawn=deny/);
    const wires = valuesOf('boot', '-netdev');
    assert.deepEqual(
      wires.map((wire) => wire.split(',')[0]),
      NICS.map(() => 'tap'),
    );
  });

  test('is described without contradiction', () => {
    assert.deepEqual(topologyProblems(kvmHostTopology()), []);
  });
});

test('a host has a UUID and a MAC address of its own, always the same for a folder', () => {
  assert.match(uuidOf('/a'), /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.match(macOf('/a'), /^52:54:00(:[\da-f]{2}){3}$/);
  assert.deepEqual([uuidOf('/a'), macOf('/a')], [uuidOf('/a'), macOf('/a')]);
  assert.notEqual(uuidOf('/a'), uuidOf('/b'));
  assert.notEqual(macOf('/a'), macOf('/b'));
});

const ABOUT_START: ReadonlySet<string> = new Set(['-incoming', '-blockdev', '-add-fd']);
const WITHOUT_VALUE = 2;

function pairs(start: 'boot' | 'restore'): readonly (readonly [string, string])[] {
  const rest = machineArguments(start).slice(WITHOUT_VALUE);
  return Array.from({ length: rest.length / 2 }, (_, at) => {
    return [rest[2 * at] ?? '', rest[2 * at + 1] ?? ''] as const;
  });
}

function valuesOf(start: 'boot' | 'restore', option: string): readonly string[] {
  return pairs(start).flatMap(([name, value]) => (name === option ? [value] : []));
}

interface Node {
  readonly file: { readonly filename: string };
  readonly backing?: Node;
}

function layers(start: 'boot' | 'restore'): readonly string[] {
  const names = [];
  let node: Node | undefined = JSON.parse(valuesOf(start, '-blockdev')[0] ?? '') as Node;
  for (; node !== undefined; node = node.backing) names.push(node.file.filename);
  return names;
}
