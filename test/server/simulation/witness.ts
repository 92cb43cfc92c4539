import type { OperationRecord } from '../../../src/store/operations.ts';
import type { Trace } from './trace.ts';

/** An operation as it went, by what the store was told of it. */
interface Seen {
  readonly vm: string;
  readonly uuid: string;
  /** The server that carries it out. */
  owner: string;
  /** Servers from which others have taken it over. */
  readonly losers: Set<string>;
  isOver: boolean;
}

/** Calls that make, end or change a guest or its disks; pins alone may serve somebody else's VM. */
const TOUCHING =
  /^(domain(Define|Create|Destroy|Undefine|Shutdown|Reboot|Suspend|Resume)|storageVol(Create|Delete|Resize))/;

/**
 * Sees all that servers ask of the store and of hosts, and what users are told: who carries out what,
 * in which order it began, and what nobody may do any more.
 */
export class Witness {
  readonly #trace: Trace;
  readonly #operations = new Map<string, Seen>();
  readonly #answered = new Map<string, string>();
  readonly #byKey = new Map<string, Set<string>>();
  readonly #problems: string[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** What has gone wrong by now, in words. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The ids of operations in the order in which they began. */
  get order(): readonly string[] {
    return [...this.#operations.keys()];
  }

  /** The store has done what a server asked of it, whether or not that server hears so. */
  stored(server: string, call: string, [subject]: readonly unknown[], result: unknown): void {
    if (call === 'operations.begin') {
      if (result === undefined) this.#begun(server, subject as OperationRecord);
    } else if (call === 'operations.takeOver') {
      if (result !== undefined) this.#takenOver(server, subject as string);
    } else if (call === 'operations.write') this.#written(server, subject as OperationRecord);
  }

  /** A call that changes a host leaves a server. */
  sent(server: string, procedure: string, args: unknown): void {
    if (!TOUCHING.test(procedure)) return;
    const vm = vmOf(args);
    const known = [...this.#operations.values()].filter(
      (seen) => vm !== undefined && (seen.uuid === vm || seen.vm === vm),
    );
    if (known.some(({ owner, isOver }) => owner === server && !isOver)) return;
    const lost = known.find(({ losers, isOver }) => losers.has(server) && !isOver);
    const hasLost = lost ?? known.findLast(({ losers }) => losers.has(server));
    if (hasLost === undefined) return;
    const by = hasLost.owner;
    this.#wrong(`${server} does ${procedure} to ${hasLost.vm}, which ${by} has taken over`);
  }

  /** A user was told that an operation has begun. @param key the key of the request, if it had one. */
  answered({ id, kind, vm }: OperationRecord, key?: string): void {
    this.#answered.set(id, `${kind} ${vm} (${id.slice(0, 8)})`);
    if (key === undefined) return;
    const ids = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, ids.add(id));
  }

  /** What users were told that is not so, when all has come to rest. */
  endingProblems(journal: readonly OperationRecord[]): readonly string[] {
    const there = new Set(journal.map(({ id }) => id));
    // Left out: a key that two servers are sent while the database is away. One may answer with the
    // operation that the other then could not write down.
    const keyed = new Set([...this.#byKey.values()].flatMap((ids) => [...ids]));
    const missing = [...this.#answered].filter(([id]) => !there.has(id) && !keyed.has(id));
    const several = [...this.#byKey.values()]
      .map((ids) => [...ids].filter((id) => there.has(id)))
      .filter((ids) => ids.length > 1);
    return [
      ...missing.map(([, what]) => `${what} was told of and is not in the journal`),
      ...several.map((ids) => `one request has begun ${ids.length} operations: ${ids.join(', ')}`),
    ];
  }

  #begun(server: string, { id, vm, vmUuid: uuid }: OperationRecord): void {
    this.#operations.set(id, { vm, uuid, owner: server, losers: new Set(), isOver: false });
  }

  #takenOver(server: string, id: string): void {
    const seen = this.#operations.get(id);
    if (seen === undefined || seen.owner === server) return;
    seen.losers.add(seen.owner);
    seen.losers.delete(server);
    seen.owner = server;
  }

  #written(server: string, { id, kind, vm, state }: OperationRecord): void {
    const seen = this.#operations.get(id);
    if (seen === undefined) return;
    if (seen.owner !== server) {
      this.#wrong(`${server} writes of ${kind} ${vm}, which ${seen.owner} has taken over`);
    }
    seen.isOver = state !== 'running' && state !== 'undoing';
  }

  #wrong(problem: string): void {
    this.#trace.add(problem);
    this.#problems.push(problem);
  }
}

/** Whose a call is: the UUID of a domain, or the name that a volume's begins with. */
function vmOf(args: unknown): string | undefined {
  const { dom, vol, xml } = args as {
    readonly dom?: { readonly uuid: string };
    readonly vol?: { readonly name: string };
    readonly xml?: string;
  };
  if (dom !== undefined) return dom.uuid;
  if (vol !== undefined) return vol.name.split('.')[0];
  const uuid = /<uuid>([^<]+)<\/uuid>/.exec(xml ?? '')?.[1];
  return uuid ?? /<name>([^<.]+)/.exec(xml ?? '')?.[1];
}
