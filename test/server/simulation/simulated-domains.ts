import { present } from '../../../src/base/assert.ts';
import { DomainAffect, ErrorCode } from '../../../src/libvirt/index.ts';
import type { Domain } from '../../../src/libvirt/index.ts';
import type { Placement } from '../../../src/model/placement.ts';
import { DomainDefinition } from './domain-definition.ts';
import { Refusal } from './refusal-of-libvirt.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/** What the host tells of a domain, by the kinds of event that the server asks for. */
export type ToldKind = 'lifecycle' | 'metadata' | 'tunable';

/** Numbers of virDomainState. */
const STATE = { running: 1, paused: 3, shutoff: 5 } as const;

/** One domain as libvirt keeps it. */
export interface SimulatedDomain {
  readonly uuid: string;
  readonly name: string;
  /** Absent of one that is gone as soon as it stops. */
  defined?: DomainDefinition;
  /** What it runs as, while it runs. */
  live?: DomainDefinition;
  state: number;
}

/** The domains of one host, by libvirt's rules (libvirt 9.0, the QEMU driver). */
export class SimulatedDomains {
  readonly #machine: SimulatedMachine;
  readonly #tell: (kind: ToldKind, uuid: string) => void;
  readonly #domains = new Map<string, SimulatedDomain>();

  constructor(machine: SimulatedMachine, tell: (kind: ToldKind, uuid: string) => void) {
    this.#machine = machine;
    this.#tell = tell;
  }

  get all(): readonly SimulatedDomain[] {
    return [...this.#domains.values()];
  }

  /** @throws Refusal where there is none of that UUID. */
  get({ uuid }: Pick<Domain, 'uuid'>): SimulatedDomain {
    const found = this.#domains.get(uuid);
    if (found !== undefined) return found;
    throw new Refusal(ErrorCode.noDomain, `no domain with matching uuid '${uuid}'`);
  }

  /** @param isInactive what it is from its next start on; of a transient one, what runs. */
  xml(dom: Pick<Domain, 'uuid'>, isInactive: boolean): string {
    const domain = this.get(dom);
    return (isInactive ? (domain.defined ?? shown(domain)) : shown(domain)).text;
  }

  /** What runs of it or what is defined, as the flags say (DomainAffect, one only). */
  definition(dom: Pick<Domain, 'uuid'>, flags: number): DomainDefinition {
    const domain = this.get(dom);
    const meant = flags === DomainAffect.current ? currentOf(domain) : flags;
    if ((meant & DomainAffect.config) !== 0) return persistent(domain);
    return present(running(domain).live, 'what runs');
  }

  /** Makes a domain, or changes what one will be at its next start. */
  define(xml: string): Domain {
    const definition = new DomainDefinition(xml);
    const { name = '', uuid = '' } = definition.content;
    const there = this.#domains.get(uuid);
    const same = this.all.find((domain) => domain.name === name);
    if ((same !== undefined && same !== there) || (there !== undefined && there.name !== name)) {
      const message = `domain '${name}' already exists with uuid ${same?.uuid ?? uuid}`;
      throw new Refusal(ErrorCode.operationFailed, message);
    }
    if (there === undefined) {
      this.#domains.set(uuid, { uuid, name, defined: definition, state: STATE.shutoff });
    } else there.defined = definition;
    this.#tell('lifecycle', uuid);
    return { name, uuid, id: -1 };
  }

  /** A running one goes on, and is gone when it stops. */
  undefine(dom: Pick<Domain, 'uuid'>): void {
    const domain = this.get(dom);
    persistent(domain);
    delete domain.defined;
    if (domain.live === undefined) this.#domains.delete(domain.uuid);
    this.#tell('lifecycle', domain.uuid);
  }

  start(dom: Pick<Domain, 'uuid'>): Domain {
    const domain = this.get(dom);
    if (domain.live !== undefined) {
      throw new Refusal(ErrorCode.operationInvalid, 'domain is already running');
    }
    const live = new DomainDefinition(present(domain.defined, 'what it is to run as').text);
    if (!this.#machine.take(domain.uuid, live.memory)) {
      throw new Refusal(ErrorCode.internalError, 'unable to map backing store for guest RAM');
    }
    Object.assign(domain, { live, state: STATE.running });
    this.#tell('lifecycle', domain.uuid);
    return { name: domain.name, uuid: domain.uuid, id: 1 };
  }

  /** Ends a running one at once; by whatever means. */
  end(dom: Pick<Domain, 'uuid'>): void {
    const domain = running(this.get(dom));
    delete domain.live;
    domain.state = STATE.shutoff;
    this.#machine.give(domain.uuid);
    if (domain.defined === undefined) this.#domains.delete(domain.uuid);
    this.#tell('lifecycle', domain.uuid);
  }

  /** @throws Refusal unless it runs: whoever is asked something must be there. */
  mustRun(dom: Pick<Domain, 'uuid'>): SimulatedDomain {
    return running(this.get(dom));
  }

  pause(dom: Pick<Domain, 'uuid'>): void {
    running(this.get(dom)).state = STATE.paused;
    this.#tell('lifecycle', dom.uuid);
  }

  resume(dom: Pick<Domain, 'uuid'>): void {
    const domain = running(this.get(dom));
    if (domain.state !== STATE.paused) {
      throw new Refusal(ErrorCode.operationInvalid, 'domain is already running');
    }
    domain.state = STATE.running;
    this.#tell('lifecycle', domain.uuid);
  }

  /** Changes what runs, what is defined, or both, as the flags say (DomainAffect). */
  change(
    dom: Pick<Domain, 'uuid'>,
    flags: number,
    kind: ToldKind,
    edit: (definition: DomainDefinition) => void,
  ): void {
    const domain = this.get(dom);
    const meant = flags === DomainAffect.current ? currentOf(domain) : flags;
    const live = (meant & DomainAffect.live) === 0 ? undefined : running(domain).live;
    const defined = (meant & DomainAffect.config) === 0 ? undefined : persistent(domain);
    if (live !== undefined) edit(live);
    if (defined !== undefined) edit(defined);
    this.#tell(kind, domain.uuid);
  }

  /** The power fails: what ran does not run any more. */
  loseAll(): void {
    for (const domain of this.all) if (domain.live !== undefined) this.end(domain);
  }
}

/** Where a VM of Berth's runs and will run; none of a domain that is not Berth's. */
export function placementsOf({
  live,
  defined,
}: Pick<SimulatedDomain, 'live' | 'defined'>): readonly Placement[] {
  return [live?.metadata, defined?.metadata].flatMap((vm) =>
    vm === undefined ? [] : [vm.placement, ...(vm.next === undefined ? [] : [vm.next.placement])],
  );
}

/** What libvirt shows of a domain unless asked otherwise. */
export function shown({ live, defined }: SimulatedDomain): DomainDefinition {
  return present(live ?? defined, 'a definition of a domain that is there');
}

function currentOf({ live }: SimulatedDomain): number {
  return live === undefined ? DomainAffect.config : DomainAffect.live;
}

function running(domain: SimulatedDomain): SimulatedDomain {
  if (domain.live !== undefined) return domain;
  throw new Refusal(ErrorCode.operationInvalid, 'domain is not running');
}

function persistent({ defined }: SimulatedDomain): DomainDefinition {
  if (defined !== undefined) return defined;
  const message = 'transient domains do not have any persistent config';
  throw new Refusal(ErrorCode.operationInvalid, message);
}
