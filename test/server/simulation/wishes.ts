import { OWNER } from '../../../src/server/access/caller.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import type { Chance } from './chance.ts';
import { changedDocument, drawDocument, drawName } from './documents.ts';
import type { SimulatedServer } from './simulated-server.ts';
import type { World } from './world.ts';

/** What somebody asks of whichever server; an operation where it begins one. */
export interface Wish {
  readonly words: string;
  readonly make: (server: SimulatedServer) => Promise<OperationRecord | undefined>;
}

type Draw = (chance: Chance, world: World) => Wish;

/** How often each kind of wish is drawn, beside the others. */
const WISHES: readonly { readonly weight: number; readonly draw: Draw }[] = [
  { weight: 40, draw: create },
  { weight: 15, draw: remove },
  { weight: 20, draw: act },
  { weight: 20, draw: update },
  { weight: 5, draw: label },
  { weight: 3, draw: adopt },
  { weight: 3, draw: plan },
  { weight: 3, draw: look },
  { weight: 3, draw: changeHost },
  { weight: 2, draw: addHost },
  { weight: 2, draw: removeHost },
];
const ALL = WISHES.reduce((sum, { weight }) => sum + weight, 0);

export function drawWish(chance: Chance, world: World): Wish {
  let left = chance.next() * ALL;
  const found = WISHES.find(({ weight }) => (left -= weight) < 0);
  return (found?.draw ?? create)(chance, world);
}

function create(chance: Chance): Wish {
  const name = drawName(chance);
  const document = drawDocument(name, chance);
  const start = chance.is(0.7);
  return {
    words: `create ${name}`,
    make: async ({ services }) => services.vms.createVm(document, start, OWNER),
  };
}

function remove(chance: Chance): Wish {
  const name = drawName(chance);
  const force = chance.is(0.5);
  return {
    words: `remove ${name}`,
    make: async ({ services }) => services.vms.removeVm(name, force),
  };
}

function act(chance: Chance): Wish {
  const name = drawName(chance);
  const force = chance.is(0.5);
  const kind = chance.of(['start', 'start', 'stop', 'stop', 'reboot', 'pause', 'resume'] as const);
  return {
    words: `${kind} ${name}`,
    make: async ({ services }) => services.vms.act(name, kind ?? 'start', force),
  };
}

/** What the VM is told to be is a changed copy of what the server says that it is. */
function update(chance: Chance): Wish {
  const name = drawName(chance);
  const options = { restart: chance.is(0.6), force: chance.is(0.5), caller: OWNER };
  const own = chance.fork();
  return {
    words: `change ${name}`,
    make: async ({ fleet, services }) => {
      const document = fleet.find(name)?.record.metadata?.document;
      const changed = changedDocument(document ?? drawDocument(name, own), own);
      return services.declare.update(name, changed, options);
    },
  };
}

function label(chance: Chance): Wish {
  const name = drawName(chance);
  const labels = { app: chance.of(['a', 'b', null]) ?? null, tier: chance.of(['x', 'y']) ?? null };
  return {
    words: `label ${name}`,
    make: async ({ services }) => services.declare.label(name, labels, OWNER),
  };
}

/** A domain that Berth did not make, if the server sees one. */
function adopt(chance: Chance): Wish {
  const own = chance.fork();
  return {
    words: 'adopt a domain',
    make: async ({ fleet, services }) => {
      const records = fleet.mirrors.flatMap((mirror) => mirror.records);
      const found = own.of(records.filter(({ metadata }) => metadata === undefined));
      if (found === undefined) return undefined;
      return services.declare.adopt(found.uuid, { app: 'adopted' });
    },
  };
}

function plan(chance: Chance): Wish {
  const documents = [drawDocument(drawName(chance), chance)];
  return {
    words: 'plan a VM',
    make: async ({ services }) => {
      await services.declare.plan({ documents });
      return undefined;
    },
  };
}

function look(): Wish {
  return {
    words: 'look at the hosts',
    make: async ({ services }) => {
      await services.hosts.hosts({ limit: 100 });
      return undefined;
    },
  };
}

/** Cordons it, opens it again, or says something of it. */
function changeHost(chance: Chance, { hosts }: World): Wish {
  const name = chance.of(hosts)?.name ?? '';
  const change = chance.is(0.4)
    ? { labels: { rack: chance.of(['1', '2']) ?? null } }
    : { settings: { schedulable: chance.is(0.3) ? false : null } };
  return {
    words: `change the host ${name}`,
    make: async ({ services }) => {
      await services.hosts.changeHost(name, change);
      return undefined;
    },
  };
}

function addHost(chance: Chance, { hosts }: World): Wish {
  const host = chance.of(hosts);
  return {
    words: `add the host ${host?.name}`,
    make: async ({ services }) => {
      if (host !== undefined) await services.hosts.addHost({ name: host.name, uri: host.uri });
      return undefined;
    },
  };
}

function removeHost(chance: Chance, { hosts }: World): Wish {
  const name = chance.of(hosts)?.name ?? '';
  return {
    words: `remove the host ${name}`,
    make: async ({ services }) => {
      await services.hosts.removeHost(name, false);
      return undefined;
    },
  };
}
