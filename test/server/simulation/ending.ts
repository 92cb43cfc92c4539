import { isDeepStrictEqual } from 'node:util';
import { domainRecord, stateOf } from '../../../src/host/domain-record.ts';
import { dedicatedCpus } from '../../../src/model/placement.ts';
import type { Placement } from '../../../src/model/placement.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { NO_FAULTS } from './fault-rates.ts';
import { shown } from './simulated-domains.ts';
import type { SimulatedDomain } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { IMAGE } from './simulated-pool.ts';
import type { SimulatedServer } from './simulated-server.ts';
import type { World } from './world.ts';

/**
 * What must hold when everything is healed and has come to rest.
 * @returns what is wrong, in words
 */
export async function endingProblems(world: World): Promise<readonly string[]> {
  const operations = await world.store.operations.list(10_000);
  const claims = await world.store.claims.list();
  return [
    ...claims.map(({ vm }) => `the claim of ${vm} was left behind`),
    ...operations.flatMap((operation) => operationProblems(world, operation, operations)),
    ...(world.faults === NO_FAULTS ? operations.flatMap(needlessFailure) : []),
    ...world.hosts.flatMap((host) => [
      ...domainProblems(host, operations),
      ...volumeProblems(world, host, operations),
      ...mirrorProblems(world, host),
      ...pinProblems(world, host),
    ]),
  ];
}

/** What an operation has left undone, as it tells itself. */
function leftOverOf({ memory }: OperationRecord): readonly unknown[] {
  const { leftOver } = memory as { leftOver?: unknown };
  return Array.isArray(leftOver) ? leftOver : [];
}

function domainOf({ hosts }: World, uuid: string): SimulatedDomain | undefined {
  return hosts.flatMap((host) => host.domains.all).find((domain) => domain.uuid === uuid);
}

function operationProblems(
  world: World,
  operation: OperationRecord,
  all: readonly OperationRecord[],
): readonly string[] {
  const { kind, vm, vmUuid: uuid, state, error } = operation;
  const what = `${kind} ${vm} (${operation.id.slice(0, 8)}), which is ${state}`;
  const problems: string[] = [];
  if (state === 'running' || state === 'undoing') problems.push(`${what}, does not end`);
  if (state !== 'done' && error === undefined) problems.push(`${what}, does not say why`);
  const domain = domainOf(world, uuid);
  const isRemoved = all.some(
    (other) => other.kind === 'remove' && other.vmUuid === uuid && other.state !== 'undone',
  );
  if (kind === 'create' && state === 'done' && !isRemoved && !world.handled.has(uuid)) {
    if (domain === undefined) problems.push(`${what}, has no domain`);
    const { document } = operation.memory as { document?: unknown };
    if (domain !== undefined && !isDeepStrictEqual(shown(domain).metadata?.document, document)) {
      problems.push(`${what}, has another document`);
    }
  }
  if (kind === 'create' && state === 'undone' && domain !== undefined) {
    problems.push(`${what}, has left its domain`);
  }
  if (kind === 'create' && state === 'failed' && leftOverOf(operation).length === 0) {
    problems.push(`${what}, does not say what is left`);
  }
  if (kind === 'remove' && state === 'done' && domain !== undefined) {
    problems.push(`${what}, has left its domain`);
  }
  return problems;
}

/** Where nothing goes wrong nothing fails, but for want of room or because somebody changed his mind. */
function needlessFailure({ kind, vm, id, state, error }: OperationRecord): readonly string[] {
  if (state === 'done') return [];
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 'BERTH_REFUSED' || code === 'BERTH_CANCELLED') return [];
  return [`${kind} ${vm} (${id.slice(0, 8)}) is ${state} with ${String(code)} for no reason`];
}

/** Every VM of Berth's came of an operation. */
function domainProblems(host: SimulatedHost, all: readonly OperationRecord[]): readonly string[] {
  return host.domains.all.flatMap((domain) => {
    if (shown(domain).metadata === undefined) return [];
    const creation = all.find(({ kind, vmUuid }) => kind === 'create' && vmUuid === domain.uuid);
    if (creation !== undefined) return [];
    return [`nobody has created ${domain.name} on ${host.name}`];
  });
}

/** Every volume belongs to a VM that is there, or to one of which it is known why it is not whole. */
function volumeProblems(
  world: World,
  host: SimulatedHost,
  all: readonly OperationRecord[],
): readonly string[] {
  const owned = host.domains.all.flatMap((domain) => shown(domain).metadata?.volumes ?? []);
  const explained = new Set([
    ...all.filter(({ state }) => state === 'failed').map(({ vm }) => vm),
    ...all.filter(({ vmUuid }) => world.handled.has(vmUuid)).map(({ vm }) => vm),
  ]);
  return host.pool.volumes().flatMap(({ name, key }) => {
    const vm = name.split('.')[0] ?? '';
    if (name === IMAGE || owned.includes(key) || explained.has(vm)) return [];
    return [`the volume ${name} was left behind on ${host.name}`];
  });
}

/** Every server sees every domain as it is. */
function mirrorProblems({ servers }: World, host: SimulatedHost): readonly string[] {
  return servers.flatMap((server) => problemsOfSight(server, host));
}

function problemsOfSight(server: SimulatedServer, host: SimulatedHost): readonly string[] {
  const mirror = server.fleet.mirrors.find(({ name }) => name === host.name);
  if (mirror === undefined) return [];
  const seen = new Map(mirror.records.map((record) => [record.uuid, record]));
  const problems = host.domains.all.flatMap((domain) => {
    const record = domainRecord(shown(domain).text, stateOf(domain.state));
    const isSame = isDeepStrictEqual(seen.get(domain.uuid)?.seat, record.seat);
    const hasState = seen.get(domain.uuid)?.state === record.state;
    seen.delete(domain.uuid);
    return isSame && hasState ? [] : [`${domain.name} on ${host.name} is seen as it is not`];
  });
  const gone = [...seen.values()].map(({ name }) => `${name} is seen on ${host.name} and is gone`);
  return [...(mirror.unreachable === undefined ? [] : [mirror.unreachable]), ...problems, ...gone];
}

/** Nobody's vCPUs float over pCPUs that are dedicated to another. */
function pinProblems({ handled }: World, host: SimulatedHost): readonly string[] {
  const vms = host.domains.all.flatMap((domain) => {
    const { metadata, content } = shown(domain);
    if (metadata === undefined || handled.has(domain.uuid)) return [];
    const pins = content.cpuTune?.vcpuPins.flatMap(({ cpus }) => cpus) ?? [];
    return [{ name: domain.name, placement: metadata.placement, pins }];
  });
  return vms.flatMap((one) =>
    vms.flatMap((other) =>
      one !== other && one.pins.some((cpu) => ownCpus(other.placement).includes(cpu))
        ? [`${one.name} floats over pCPUs that are dedicated to ${other.name} on ${host.name}`]
        : [],
    ),
  );
}

function ownCpus(placement: Placement): readonly number[] {
  return dedicatedCpus(placement);
}
