import { tmpdir } from 'node:os';
import { berthError } from '../base/errors.ts';
import type { LabPort } from '../cli/lab-port.ts';
import type { LabHostWish } from '../lab/fleet/lab.ts';
import type { HostTopology } from '../model/topology.ts';

/** `berth lab` for this machine: the rooms `lab` and `local`, each loaded when it is first needed. */
export function labPort(home: string, signal: AbortSignal): LabPort {
  return {
    up: async ({ machines, hosts, ...options }) => {
      const [{ machineWish }, { labUp }, { findLab }] = await Promise.all([
        import('../cli/machine-word.ts'),
        import('../local/lab-up.ts'),
        import('../lab/fleet/list-labs.ts'),
      ]);
      const { disk } = options;
      const wish = async (word: string) => machineWish(word, { scratch: tmpdir(), signal });
      // Hosts that show the same machine share what was read of it.
      const wishes = new Map<string, Awaited<ReturnType<typeof wish>>>();
      for (const word of new Set(machines)) wishes.set(word, await wish(word));
      const hostOf = (index: number): LabHostWish => {
        const known = wishes.get(machines[index] ?? '') ?? ({ kind: 'namespace' } as const);
        return known.kind === 'kvm' || disk === undefined ? known : { ...known, disk };
      };
      const { changed } = await labUp({
        ...options,
        home,
        ...(hosts === undefined
          ? {}
          : { hosts: Array.from({ length: hosts }, (_, index) => hostOf(index)) }),
      });
      return { ...(await findLab(home, options.name, await ownTopology(signal))), changed };
    },
    list: async () => {
      const { listLabs } = await import('../lab/fleet/list-labs.ts');
      return listLabs(home, await ownTopology(signal));
    },
    exec: async ({ target, argv }) => {
      const { execInLab } = await import('../lab/fleet/run-in-lab.ts');
      return execInLab(home, target, argv);
    },
    break: async ({ host, fault, signal: stop }) => {
      const { breakLabHost } = await import('../lab/fleet/break-lab-host.ts');
      return breakLabHost({ home, host, own: await ownTopology(signal) }, fault, stop);
    },
    mend: async ({ host, fault, signal: stop }) => {
      const { mendLabHost } = await import('../lab/fleet/break-lab-host.ts');
      return mendLabHost({ home, host, own: await ownTopology(signal) }, fault, stop);
    },
    faults: async () => {
      const { FAULTS } = await import('../lab/fault/fault.ts');
      return FAULTS;
    },
    machines: async () => catalogue(),
    down: async ({ name, signal: stop }) => {
      const [{ labDown }, { labNames }] = await Promise.all([
        import('../local/lab-up.ts'),
        import('../lab/fleet/lab-folder.ts'),
      ]);
      if (stop.aborted) throw berthError('BERTH_INTERRUPTED', { what: 'berth lab down' });
      const names = await labNames(home);
      return labDown(
        home,
        names.filter((lab) => name === undefined || lab === name),
      );
    },
  };
}

/** What this machine is, as its own /sys tells it. */
async function ownTopology(signal: AbortSignal): Promise<HostTopology> {
  const { recordedMachine } = await import('../lab/machine/recorded-machine.ts');
  return (await recordedMachine('/', { scratch: tmpdir(), signal })).topology;
}

async function catalogue(): ReturnType<LabPort['machines']> {
  const [{ MACHINE_CATALOGUE }, { machineTopology }, { kvmHostTopology }] = await Promise.all([
    import('../model/machine-catalogue.ts'),
    import('../model/machine.ts'),
    import('../lab/kvm-host/kvm-machine.ts'),
  ]);
  const topology = kvmHostTopology();
  return [
    ...MACHINE_CATALOGUE.map(({ name, title, source, description }) => ({
      name,
      title,
      source,
      topology: machineTopology(description),
    })),
    { name: 'kvm-host', title: 'Debian 12 with a real /dev/kvm, emulated as a whole', topology },
    {
      name: 'kvm-host-newer',
      title: 'The same with Debian 13 and its newer libvirt',
      topology,
    },
  ];
}
