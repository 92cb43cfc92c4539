import { el, renderXml } from '../../../src/xml/index.ts';
import type { Chance } from './chance.ts';
import type { Strike } from './fault-rates.ts';
import type { SimulatedDomain } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { World } from './world.ts';

/** Milliseconds for which hosts are away, daemons hang and pools are full; some outlast a deadline. */
const AWAY_MS = [50, 1000, 8000, 40_000] as const;

/** Lets faults strike now and then, until everything is healed. */
export async function strikeNowAndThen(world: World, chance: Chance): Promise<void> {
  const { strikes, strikeEveryMs } = world.faults;
  if (strikes.length === 0) return;
  while (!world.isHealed) {
    await world.clock.sleep(chance.next() * strikeEveryMs);
    const strike = chance.of(strikes);
    const host = chance.of(world.hosts);
    if (world.isHealed || strike === undefined || host === undefined) return;
    world.hasChanged = true;
    STRIKE[strike]({ world, host, chance });
  }
}

/** What a strike has to work with: one host of the world, and chance. */
interface Target {
  readonly world: World;
  readonly host: SimulatedHost;
  readonly chance: Chance;
}

const STRIKE: Readonly<Record<Strike, (target: Target) => void>> = {
  'a server dies': ({ world, chance }) => {
    if (world.maySlay()) chance.of(world.servers)?.kill('from outside');
  },
  'the connections to a host break': ({ world, host }) => {
    world.trace.add(`the connections to ${host.name} break`);
    host.dropConnections('connection reset by peer');
  },
  'a host cannot be reached': (target) => takeAway(target, 'cannot be reached'),
  'a libvirtd is restarted': (target) => takeAway(target, 'has its libvirtd restarted'),
  'a libvirtd hangs': ({ world, host, chance }) => {
    const ms = chance.of(AWAY_MS) ?? 0;
    world.trace.add(`the libvirtd of ${host.name} hangs for ${ms} ms`);
    host.stall(ms);
  },
  'the power of a host fails': (target) => {
    target.host.domains.loseAll();
    takeAway(target, 'has lost its power');
  },
  'a VM is started by hand': (target) => {
    byHand(target, 'started', (domain) => {
      if (domain.live === undefined) target.host.domains.start(domain);
    });
  },
  'a VM is destroyed by hand': (target) => {
    byHand(target, 'destroyed', (domain) => {
      if (domain.live !== undefined) target.host.domains.end(domain);
    });
  },
  'a VM is undefined by hand': (target) => {
    byHand(target, 'undefined', (domain) => target.host.domains.undefine(domain));
  },
  'a foreign domain comes': ({ world, host, chance }) => {
    const xml = foreignDomain(host, chance);
    world.trace.add(`somebody defines and starts a domain on ${host.name}`);
    attempt(() => host.domains.start(host.domains.define(xml)));
  },
  'a foreign domain goes': ({ world, host, chance }) => {
    const foreign = host.domains.all.filter((domain) => !isManaged(domain));
    const domain = chance.of(foreign);
    if (domain === undefined) return;
    world.trace.add(`somebody ends the domain ${domain.name} on ${host.name}`);
    attempt(() => host.domains.undefine(domain));
    attempt(() => host.domains.end(domain));
  },
  'a pool is full': ({ world, host, chance }) => {
    world.trace.add(`the pool of ${host.name} is full`);
    host.pool.isFull = true;
    world.clock.after(chance.of(AWAY_MS) ?? 0, () => {
      host.pool.isFull = false;
    });
  },
  'a server is stopped for a while': ({ world, chance }) => {
    chance.of(world.servers)?.halt(1000 * chance.between(1, 60));
  },
  'a server is cut off from the store': ({ world, chance }) => {
    const ms = 1000 * chance.between(1, 60);
    world.trace.add(`a server is cut off from the store for ${ms} ms`);
    chance.of(world.servers)?.cutOff(ms);
  },
  'the database is away': ({ world, chance }) => {
    const ms = 1000 * chance.between(1, 30);
    world.trace.add(`the database is away for ${ms} ms`);
    world.databaseAwayUntil = world.clock.elapsed + ms;
  },
  'the clock of the database jumps': ({ world, chance }) => {
    const ms = chance.between(-1, 1) * (chance.of([2000, 10_000, 7_200_000]) ?? 0);
    world.trace.add(`the clock of the database jumps by ${ms} ms`);
    world.clock.jumpDatabase(ms);
  },
  'the clock jumps': ({ world, chance }) => {
    const ms = chance.between(-1, 1) * (chance.of([2000, 90_000, 7_200_000]) ?? 0);
    world.trace.add(`the clock jumps by ${ms} ms`);
    world.clock.jump(ms);
  },
};

/** Everything is as it should be again, for good. */
export function heal({ hosts, servers, trace }: World): void {
  trace.add('nothing goes wrong any more');
  for (const server of servers) server.goOn();
  for (const host of hosts) {
    host.pool.isFull = false;
    host.comeUp();
  }
}

function takeAway({ world, host, chance }: Target, what: string): void {
  const ms = chance.of(AWAY_MS) ?? 0;
  world.trace.add(`${host.name} ${what}, for ${ms} ms`);
  host.goDown('connection reset by peer');
  world.clock.after(ms, () => host.comeUp());
}

function byHand({ world, host, chance }: Target, what: string, act: (vm: SimulatedDomain) => void) {
  const domain = chance.of(host.domains.all.filter(isManaged));
  if (domain === undefined) return;
  world.trace.add(`${domain.name} on ${host.name} is ${what} by hand`);
  world.handled.add(domain.uuid);
  attempt(() => act(domain));
}

function isManaged({ live, defined }: SimulatedDomain): boolean {
  return (live ?? defined)?.metadata !== undefined;
}

/** What libvirt refuses to a person is no concern of ours. */
function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    return;
  }
}

/** A domain of somebody else's, pinned or not, perhaps of a name that a VM of Berth's has. */
function foreignDomain(host: SimulatedHost, chance: Chance): string {
  const cpus = host.machine.topology.cells.flatMap((cell) => cell.cpus.map(({ id }) => id));
  const name = chance.is(0.3) ? (chance.of(['vm1', 'vm2']) ?? '') : `other${chance.between(1, 99)}`;
  const pin = el('vcpupin', { vcpu: 0, cpuset: chance.of(cpus) });
  return renderXml(
    el(
      'domain',
      { type: 'kvm' },
      el('name', {}, name),
      el('uuid', {}, chance.uuid()),
      el('memory', { unit: 'MiB' }, 256),
      el('vcpu', {}, 1),
      chance.is(0.5) ? el('cputune', {}, pin) : undefined,
      el('os', {}, el('type', {}, 'hvm')),
    ),
  );
}
