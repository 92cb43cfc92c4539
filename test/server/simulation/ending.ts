import { isDeepStrictEqual } from 'node:util';
import { domainRecord, stateOf } from '../../../src/host/domain-record.ts';
import { configMetadata } from '../../../src/host/metadata.ts';
import { dedicatedCpus } from '../../../src/model/placement.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { NO_FAULTS } from './fault-rates.ts';
import { placementsOf, shown } from './simulated-domains.ts';
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
    ...world.witness.endingProblems(operations),
    ...operations.flatMap((operation) => operationProblems(world, operation, operations)),
    ...(world.faults === NO_FAULTS ? operations.flatMap(needlessFailure) : []),
    ...world.hosts.flatMap((host) => [
      ...domainProblems(host, operations),
      ...host.domains.all.flatMap((domain) => documentProblems(world, domain, operations)),
      ...diskProblems(world, host, operations),
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

/** Why an operation may end undone although nothing went wrong: others came first. */
const REASONS: ReadonlySet<string> = new Set([
  'BERTH_REFUSED',
  'BERTH_CANCELLED',
  'BERTH_CONFLICT',
  'BERTH_PRECONDITION',
]);

/** Where nothing goes wrong nothing fails, but for want of room or because somebody changed his mind. */
function needlessFailure({ kind, vm, id, state, error }: OperationRecord): readonly string[] {
  if (state === 'done') return [];
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string' && REASONS.has(code)) return [];
  return [`${kind} ${vm} (${id.slice(0, 8)}) is ${state} with ${String(code)} for no reason`];
}

/** Its definition is as the last operation says that has made it or changed it, and has not failed. */
function documentProblems(
  { witness, handled }: World,
  { uuid, name, defined }: SimulatedDomain,
  all: readonly OperationRecord[],
): readonly string[] {
  if (defined?.metadata === undefined || handled.has(uuid)) return [];
  const byId = new Map(all.map((operation) => [operation.id, operation]));
  const own = witness.order
    .flatMap((id) => byId.get(id) ?? [])
    .filter(({ kind, vmUuid }) => vmUuid === uuid && (kind === 'create' || kind === 'update'));
  const last = own.findLast(({ state }) => state !== 'undone');
  if (last === undefined || last.state !== 'done') return [];
  const { document } = last.memory as { document?: unknown };
  const is = configMetadata(defined.metadata).document;
  if (isDeepStrictEqual(is, document)) return [];
  return [`${name} is not as ${last.kind} (${last.id.slice(0, 8)}) has made it`];
}

/** A VM that was not removed has all its disks. */
function diskProblems(
  { handled }: World,
  host: SimulatedHost,
  all: readonly OperationRecord[],
): readonly string[] {
  const failed = new Set(all.filter(({ state }) => state === 'failed').map(({ vm }) => vm));
  const there = new Set(host.pool.volumes().map(({ key }) => key));
  return host.domains.all.flatMap(({ uuid, name, live, defined }) => {
    if (handled.has(uuid) || failed.has(name)) return [];
    const { volumes = [] } = (defined ?? live)?.metadata ?? {};
    const gone = volumes.filter((key) => !there.has(key));
    return gone.map((key) => `${name} on ${host.name} has lost its disk ${key}`);
  });
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
  const owned = host.domains.all.flatMap(({ live, defined }) =>
    [live, defined].flatMap((definition) => definition?.metadata?.volumes ?? []),
  );
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
  if (mirror === undefined) return [`${host.name} is not seen at all`];
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
    return [{ name: domain.name, own: placementsOf(domain).flatMap(dedicatedCpus), pins }];
  });
  return vms.flatMap((one) =>
    vms.flatMap((other) =>
      one !== other && one.pins.some((cpu) => other.own.includes(cpu))
        ? [`${one.name} floats over pCPUs that are dedicated to ${other.name} on ${host.name}`]
        : [],
    ),
  );
}
