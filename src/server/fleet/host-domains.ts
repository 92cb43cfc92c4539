import { isDeepStrictEqual } from 'node:util';
import { isBerthError } from '../../base/errors.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { listDomainStates, readDomainRecord } from '../../host/domains.ts';
import type { KnownOfDomain } from '../../host/domains.ts';
import type { HostLink, Wait } from '../../host/host-link.ts';
import { SharedValues } from '../../host/shared-values.ts';
import type { VmState } from '../../model/host.ts';
import { Turns } from '../turns.ts';
import type { VmChange } from './fleet-changes.ts';

/** Domains whose XML is read at the same time while a host is read whole. */
const READS_AT_ONCE = 4;

/** Who hears what comes of reading. */
export interface DomainListener {
  /** A domain came, changed or went; one that was read again and found as it was is not told. */
  seen(before: DomainRecord | undefined, after: DomainRecord | undefined): void;
  /** What a user can see of a domain has changed. */
  tell(record: DomainRecord, change: VmChange['change']): void;
  /** libvirt refuses to tell of a domain. */
  refused(uuid: string, error: unknown): void;
}

/** The domains of one host as last seen, and how they are read. */
export class HostDomains {
  readonly #listener: DomainListener;
  readonly #records = new Map<string, DomainRecord>();
  /** Domains first seen on a connection that is not open yet: they are told of when it is. */
  readonly #untold = new Set<string>();
  readonly #shared = new SharedValues();
  /** Reads of one domain follow each other, so that an older answer never replaces a newer one. */
  readonly #reading = new Turns();
  #isOpen = false;

  constructor(listener: DomainListener) {
    this.#listener = listener;
  }

  get size(): number {
    return this.#records.size;
  }

  /** In no order; while the host is away nobody knows how they stand. */
  get records(): readonly DomainRecord[] {
    return Array.from(this.#records.values(), (record) => this.#asKnown(record));
  }

  /** As they were last seen, whether the host is away or not. */
  get lastSeen(): Iterable<DomainRecord> {
    return this.#records.values();
  }

  has(uuid: string): boolean {
    return this.#records.has(uuid);
  }

  record(uuid: string): DomainRecord | undefined {
    const record = this.#records.get(uuid);
    return record === undefined ? undefined : this.#asKnown(record);
  }

  /** From now on the records are what the host says, and users are told of each change. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    for (const record of this.#records.values()) {
      this.#listener.tell(record, this.#untold.has(record.uuid) ? 'appeared' : 'changed');
    }
    this.#untold.clear();
  }

  /** The host went away: from now on nobody knows how they stand. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const record of this.records) this.#listener.tell(record, 'changed');
  }

  /** Reads one domain again, now. @returns undefined when it is gone. */
  async refresh(link: HostLink, uuid: string, wait: Wait): Promise<DomainRecord | undefined> {
    return this.#reading.take(uuid, async () => this.#read(link, uuid, wait, {}));
  }

  /**
   * As `refresh`; one domain that libvirt refuses to tell of must not hide the others.
   * @returns the refusal, where libvirt has refused.
   */
  async hear(
    link: HostLink,
    uuid: string,
    wait: Wait,
    state?: VmState,
  ): Promise<Error | undefined> {
    try {
      await this.#reading.take(uuid, async () => this.#read(link, uuid, wait, { state }));
      return undefined;
    } catch (error) {
      if (!isBerthError(error, 'BERTH_LIBVIRT_REFUSED')) throw error;
      this.#listener.refused(uuid, error);
      return error;
    }
  }

  /**
   * Reads every domain that the host lists, and those it lists no more: they may be new or gone. On a
   * new connection, where news wait until it is done, the states that came with the list hold; else
   * a domain may have been read since, and each is asked for with its XML.
   * @returns a refusal, where libvirt has refused to tell of a domain; the others have been read.
   */
  async readAll(link: HostLink, wait: Wait): Promise<Error | undefined> {
    const listed = await listDomainStates(link, wait);
    const uuids = [...new Set([...listed.keys(), ...this.#records.keys()])];
    let refusal: Error | undefined;
    const readNext = async (): Promise<void> => {
      for (let uuid = uuids.pop(); uuid !== undefined; uuid = uuids.pop()) {
        refusal =
          (await this.hear(link, uuid, wait, this.#isOpen ? undefined : listed.get(uuid))) ??
          refusal;
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, readNext));
    return refusal;
  }

  #asKnown(record: DomainRecord): DomainRecord {
    return this.#isOpen ? record : { ...record, state: 'unknown' };
  }

  async #read(
    link: HostLink,
    uuid: string,
    wait: Wait,
    known: KnownOfDomain,
  ): Promise<DomainRecord | undefined> {
    const shared = this.#shared;
    const record = await readDomainRecord(link, uuid, wait, { ...known, shared });
    this.#keep(uuid, record);
    return record;
  }

  /** Keeps what was read of a domain, and tells what is new of it. */
  #keep(uuid: string, after: DomainRecord | undefined): void {
    const before = this.#records.get(uuid);
    if (isDeepStrictEqual(before, after)) return;
    if (after === undefined) this.#records.delete(uuid);
    else this.#records.set(uuid, after);
    this.#listener.seen(before, after);
    if (after === undefined && before !== undefined) {
      // One that nobody was told of need not be missed.
      if (!this.#untold.delete(uuid)) this.#listener.tell(this.#asKnown(before), 'gone');
    } else if (after !== undefined && this.#isOpen) {
      this.#listener.tell(after, before === undefined ? 'appeared' : 'changed');
    } else if (before === undefined) this.#untold.add(uuid);
  }
}
