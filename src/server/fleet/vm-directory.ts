import type { DomainRecord } from '../../host/domain-record.ts';

/** Where one host keeps what it knows of its domains. */
export interface DomainHome {
  /** The host's. */
  readonly name: string;
  record(uuid: string): DomainRecord | undefined;
}

/** A domain where it was found. */
export interface FoundIn<H> {
  readonly mirror: H;
  readonly record: DomainRecord;
}

/** How many names are told to somebody who misspelt one. */
const NAMES_TOLD_MAX = 200;
/** Of a name that is not known, so many letters at most say which others are like it. */
const LIKE_CHARS = 2;

/**
 * Where every domain of the fleet is, by name and by UUID, kept up to date domain by domain: a
 * look-up costs the same however many there are. Several may have one name (on several hosts) and
 * even one UUID (a copy, or one that is being moved).
 */
export class VmDirectory<H extends DomainHome> {
  readonly #homes = new Map<string, readonly H[]>();
  readonly #uuids = new Map<string, readonly string[]>();

  /** Enters what was read of a domain. Either may be absent, where it came or went. */
  change(home: H, before: DomainRecord | undefined, after: DomainRecord | undefined): void {
    if (before?.uuid === after?.uuid && before?.name === after?.name) return;
    if (before !== undefined) {
      drop(this.#homes, before.uuid, home);
      // Another host may show it, under that name as well.
      drop(this.#uuids, before.name, before.uuid);
      this.#enterOthers(before.uuid);
    }
    if (after !== undefined) {
      add(this.#homes, after.uuid, home);
      add(this.#uuids, after.name, after.uuid);
    }
  }

  /** Every domain of that name; where there is none, every one of that UUID. */
  find(name: string): readonly FoundIn<H>[] {
    const uuids = this.#uuids.get(name);
    const found = (uuids ?? [name]).flatMap((uuid) => this.ofUuid(uuid));
    return uuids === undefined ? found : found.filter(({ record }) => record.name === name);
  }

  /**
   * The domains that somebody may mean by a name, by `HOST/NAME` (no name has a slash) or by a UUID:
   * VMs of Berth's, or foreign domains where none is.
   */
  choose(name: string): readonly FoundIn<H>[] {
    const slash = name.lastIndexOf('/');
    const called = this.find(name.slice(slash + 1));
    const there =
      slash < 0 ? called : called.filter(({ mirror }) => mirror.name === name.slice(0, slash));
    const own = there.filter(({ record }) => record.metadata !== undefined);
    return own.length > 0 ? own : there;
  }

  /**
   * Names to choose from when that one is not known: all of few; of many some that begin alike, or
   * some at all.
   */
  namesLike(name: string): readonly string[] {
    const isFew = this.#uuids.size <= NAMES_TOLD_MAX;
    const like = isFew ? [] : this.#beginning(name.slice(0, LIKE_CHARS));
    return like.length > 0 ? like : this.#beginning('');
  }

  #beginning(beginning: string): readonly string[] {
    const like: string[] = [];
    for (const known of this.#uuids.keys()) {
      if (!known.startsWith(beginning)) continue;
      like.push(known);
      if (like.length === NAMES_TOLD_MAX) break;
    }
    return like.toSorted();
  }

  /** Every domain of that UUID, whatever is called so. */
  ofUuid(uuid: string): readonly FoundIn<H>[] {
    return (this.#homes.get(uuid) ?? []).flatMap((mirror) => {
      const record = mirror.record(uuid);
      return record === undefined ? [] : [{ mirror, record }];
    });
  }

  #enterOthers(uuid: string): void {
    for (const { record } of this.ofUuid(uuid)) add(this.#uuids, record.name, uuid);
  }
}

function add<T>(map: Map<string, readonly T[]>, key: string, value: T): void {
  const known = map.get(key) ?? [];
  if (!known.includes(value)) map.set(key, [...known, value]);
}

function drop<T>(map: Map<string, readonly T[]>, key: string, value: T): void {
  const rest = (map.get(key) ?? []).filter((each) => each !== value);
  if (rest.length === 0) map.delete(key);
  else map.set(key, rest);
}
