import {
  connectGetAllDomainStats,
  connectGetCapabilities,
  connectGetHostname,
  connectListAllDomains,
  connectListAllNodeDevices,
  connectListAllStoragePools,
  domainCreateWithFlags,
  domainDefineXmlFlags,
  domainDestroyFlags,
  domainGetEmulatorPinInfo,
  domainGetIothreadInfo,
  domainGetState,
  domainGetVcpuPinInfo,
  domainGetXmlDesc,
  domainIsPersistent,
  domainPinEmulator,
  domainPinIothread,
  domainPinVcpuFlags,
  domainReboot,
  domainResume,
  domainSetMetadata,
  domainShutdownFlags,
  domainSuspend,
  domainUndefineFlags,
  DomainXmlFlag,
  ErrorCode,
  nodeGetCellsFreeMemory,
  nodeGetFreePages,
  storagePoolGetInfo,
  storagePoolListAllVolumes,
  storagePoolLookupByName,
  storagePoolRefresh,
  storageVolCreateXml,
  storageVolDelete,
  storageVolGetXmlDesc,
  storageVolLookupByName,
  storageVolLookupByPath,
  storageVolResize,
} from '../../../src/libvirt/index.ts';
import type { CallProcedure, Domain } from '../../../src/libvirt/index.ts';
import { assert } from '../../../src/base/assert.ts';
import { mapOfCpus } from '../../../src/host/cpu-map.ts';
import { Refusal } from './refusal-of-libvirt.ts';
import type { DomainDefinition, PinnedThread } from './domain-definition.ts';
import type { ToldKind } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** What a call came to: in words for the trace, and as its caller gets it. */
export interface Reply {
  readonly words: string;
  /** @throws LibvirtError */
  readonly settle: () => unknown;
}

/** What a host's libvirtd answers, by procedure. One that is not modelled ends the run. */
export class Answers {
  readonly #answers = new Map<string, (args: unknown) => unknown>();

  /** Says how a procedure is answered; a Refusal that it throws is libvirt's own. */
  to<A, R>(procedure: CallProcedure<A, R>, answer: (args: A) => R): this {
    // The client gives what the procedure takes.
    this.#answers.set(procedure.name, answer as (args: unknown) => unknown);
    return this;
  }

  answer({ name }: { readonly name: string }, args: unknown, isRefused: boolean): Reply {
    const answer = this.#answers.get(name);
    assert(answer !== undefined, `the simulated libvirt answers ${name}`);
    try {
      if (isRefused) throw new Refusal(ErrorCode.internalError, `${name} fails this time`);
      const result = answer(args);
      return { words: subjectOf(args), settle: () => result };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const refusal = error.toError(name);
      const settle = (): never => {
        throw refusal;
      };
      return { words: `${subjectOf(args)} and refuses: ${error.message}`, settle };
    }
  }
}

/** All that the server asks of a host. @param shutDown lets a guest react to being asked. */
export function answersOf(host: SimulatedHost, shutDown: (uuid: string) => void): Answers {
  const answers = new Answers()
    .to(connectGetHostname, () => ({ hostname: host.name }))
    .to(connectGetCapabilities, () => ({ capabilities: host.machine.capabilities }));
  answerOfMachine(answers, host);
  answerOfDomains(answers, host, shutDown);
  answerOfPins(answers, host);
  answerOfStorage(answers, host);
  return answers;
}

function answerOfMachine(answers: Answers, { machine }: SimulatedHost): void {
  const { cells } = machine.topology;
  answers
    .to(connectListAllNodeDevices, () => {
      throw new Refusal(ErrorCode.noSupport, 'this function is not supported by the driver');
    })
    .to(nodeGetCellsFreeMemory, () => ({
      cells: cells.map(({ id }) => BigInt(machine.freeBytes(id))),
    }))
    .to(nodeGetFreePages, ({ pages, startCell, cellCount }) => ({
      counts: cells
        .slice(startCell, startCell + cellCount)
        .flatMap(({ id }) => pages.map((size) => BigInt(machine.freePages(id, size)))),
    }));
}

function answerOfDomains(
  answers: Answers,
  { domains }: SimulatedHost,
  shutDown: (uuid: string) => void,
): void {
  answers
    .to(connectListAllDomains, () => {
      const listed = domains.all.map(({ name, uuid }) => ({ name, uuid, id: -1 }));
      return { domains: listed, ret: listed.length };
    })
    .to(connectGetAllDomainStats, () => ({
      retStats: domains.all.map(({ name, uuid, state: value }) => ({
        dom: { name, uuid, id: -1 },
        params: [{ field: 'state.state', type: 'int' as const, value }],
      })),
    }))
    .to(domainGetState, ({ dom }) => ({ state: domains.get(dom).state, reason: 0 }))
    .to(domainGetXmlDesc, ({ dom, flags = 0 }) => ({
      xml: domains.xml(dom, (flags & DomainXmlFlag.inactive) !== 0),
    }))
    .to(domainIsPersistent, ({ dom }) => ({ persistent: domains.get(dom).defined !== undefined }))
    .to(domainDefineXmlFlags, ({ xml }) => ({ dom: domains.define(xml) }))
    .to(domainUndefineFlags, ({ dom }) => done(domains.undefine(dom)))
    .to(domainCreateWithFlags, ({ dom }) => ({ dom: domains.start(dom) }))
    .to(domainDestroyFlags, ({ dom }) => done(domains.end(dom)))
    .to(domainReboot, ({ dom }) => done(domains.mustRun(dom)))
    .to(domainSuspend, ({ dom }) => done(domains.pause(dom)))
    .to(domainResume, ({ dom }) => done(domains.resume(dom)))
    .to(domainShutdownFlags, ({ dom }) => {
      domains.mustRun(dom);
      shutDown(dom.uuid);
      return {};
    });
}

function answerOfPins(answers: Answers, { domains, machine }: SimulatedHost): void {
  const cpus = machine.topology.cells.flatMap((cell) => cell.cpus.map(({ id }) => id));
  const mapOf = (pinned: readonly number[] | undefined): Buffer =>
    mapOfCpus(pinned ?? cpus, cpus.length);
  const change = (
    { dom, flags = 0 }: { dom: Domain; flags?: number | undefined },
    kind: ToldKind,
    edit: (definition: DomainDefinition) => void,
  ): object => {
    domains.change(dom, flags, kind, edit);
    return {};
  };
  const pin =
    (thread: PinnedThread, cpumap: Uint8Array) =>
    (definition: DomainDefinition): void =>
      definition.pin(thread, cpumap);
  answers
    .to(domainGetVcpuPinInfo, ({ dom, ncpumaps, flags = 0 }) => {
      const { vcpu, cpuTune } = domains.definition(dom, flags).content;
      const num = Math.min(ncpumaps, vcpu?.count ?? 1);
      const pins = cpuTune?.vcpuPins ?? [];
      const maps = Array.from({ length: num }, (_, at) =>
        mapOf(pins.find(({ id }) => id === at)?.cpus),
      );
      return { cpumaps: Buffer.concat(maps), num };
    })
    .to(domainGetEmulatorPinInfo, ({ dom, flags = 0 }) => {
      const { cpuTune } = domains.definition(dom, flags).content;
      return { cpumaps: mapOf(cpuTune?.emulatorCpus), ret: 1 };
    })
    .to(domainGetIothreadInfo, ({ dom, flags = 0 }) => {
      const { iothreadPins = [] } = domains.definition(dom, flags).content.cpuTune ?? {};
      const info = iothreadPins.map(({ id, cpus: own }) => ({
        iothreadId: id,
        cpumap: mapOf(own),
      }));
      return { info, ret: info.length };
    })
    .to(domainPinVcpuFlags, (args) =>
      change(args, 'tunable', pin({ element: 'vcpupin', id: args.vcpu }, args.cpumap)),
    )
    .to(domainPinEmulator, (args) =>
      change(args, 'tunable', pin({ element: 'emulatorpin' }, args.cpumap)),
    )
    .to(domainPinIothread, (args) =>
      change(args, 'tunable', pin({ element: 'iothreadpin', id: args.iothreadsId }, args.cpumap)),
    )
    .to(domainSetMetadata, ({ metadata = '', key = '', uri = '', ...args }) =>
      change(args, 'metadata', (definition) => definition.setMetadata(metadata, key, uri)),
    );
}

function answerOfStorage(answers: Answers, host: SimulatedHost): void {
  const { pool: storage } = host;
  answers
    .to(connectListAllStoragePools, () => ({ pools: [...storage.pools], ret: 1 }))
    .to(storagePoolLookupByName, ({ name }) => ({ pool: storage.pool(name) }))
    .to(storagePoolRefresh, ({ pool }) => done(storage.pool(pool.name)))
    .to(storagePoolGetInfo, () => storage.info())
    .to(storagePoolListAllVolumes, () => {
      const vols = [...storage.volumes()];
      return { vols, ret: vols.length };
    })
    .to(storageVolLookupByName, ({ name }) => ({ vol: storage.byName(name) }))
    .to(storageVolLookupByPath, ({ path }) => ({ vol: storage.byPath(path) }))
    .to(storageVolGetXmlDesc, ({ vol }) => ({ xml: storage.xml(vol) }))
    .to(storageVolCreateXml, ({ xml }) => ({ vol: storage.create(xml) }))
    .to(storageVolResize, ({ vol, capacity }) => done(storage.resize(vol, Number(capacity))))
    .to(storageVolDelete, ({ vol }) => {
      host.noteDeletion(vol);
      return done(storage.delete(vol));
    });
}

/** The answer of what only does something. */
function done(_nothing: unknown): object {
  return {};
}

/** Whom a call is about, as far as that is short. */
function subjectOf(args: unknown): string {
  const { dom, vol, name } = args as {
    dom?: { uuid: string };
    vol?: { name: string };
    name?: string;
  };
  return dom?.uuid.slice(0, 8) ?? vol?.name ?? name ?? '';
}
