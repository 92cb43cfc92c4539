import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { recordedMachine } from '../../../src/lab/machine/recorded-machine.ts';
import { differingAspects, HWLOC_DIFFERENCES } from '../../facts/machine-aspects.ts';
import { labSkip } from '../lab-host.ts';
import { assertSeen, dropShownHost, isWithinLibnuma, seeMachine } from './shown-host.ts';

const DATA = path.join(process.env['BERTH_TEST_DATA'] ?? '', 'host-topologies');
const TREES = path.join(DATA, 'hwloc-sysfs-snapshots');
const EXPORTS = path.join(DATA, 'hwloc-xml');
const skip = existsSync(TREES)
  ? await labSkip()
  : 'needs: host-topologies/hwloc-sysfs-snapshots in BERTH_TEST_DATA';
/** Archives are unpacked in memory where there is a place for that. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
after(dropShownHost);

const names = (folder: string, suffix: string): readonly string[] =>
  skip === false ? readdirSync(folder).filter((name) => name.endsWith(suffix)) : [];

/** Machines of which libvirt's capabilities alone tell something else, and why. */
const LIBVIRT_DIFFERENCES: Readonly<
  Record<string, { readonly aspects: readonly string[]; readonly why: string }>
> = {
  '16em64t-4s2c2t-offlines': {
    aspects: ['cpus', 'offline', 'sockets', 'dies', 'cores', 'cells'],
    why: 'its kernel listed offline CPUs among those of the cell, which libvirt takes for online',
  },
};

for (const file of names(TREES, '.tar.bz2')) {
  const name = file.replace('.tar.bz2', '');
  test(`${name} is seen through a real libvirtd as hwloc read it`, async () => {
    const machine = await recordedMachine(path.join(TREES, file), { scratch });
    const hwloc = await recordedMachine(path.join(TREES, `${name}.lstopo.xml.gz`), { scratch });
    const sight = await seeMachine(machine);
    assertSeen(machine, sight);
    const differences = Object.keys(HWLOC_DIFFERENCES[name] ?? {});
    assert.deepEqual(differingAspects(sight.observed, hwloc.topology), differences);
    if (!isWithinLibnuma(machine.topology)) return;
    assert.ok(sight.byLibvirt !== undefined, 'libvirt tells the CPUs of cells');
    const told = differingAspects(sight.observed, sight.byLibvirt);
    assert.deepEqual(told, LIBVIRT_DIFFERENCES[name]?.aspects ?? []);
  });
}

for (const file of names(EXPORTS, '.xml.gz')) {
  test(`${file} is shown as far as it says`, async () => {
    const machine = await recordedMachine(path.join(EXPORTS, file), { scratch });
    assertSeen(machine, await seeMachine(machine));
  });
}
