import { mayUse } from '../relations/host-rules.ts';
import type { GroupBooks } from './group-books.ts';
import type { Member } from './member.ts';

/**
 * Names for hosts, the same for hosts that are alike to a group: empty ones of one machine type, with
 * the same policy and labels, that the same members may use. Any two of them can change places and no
 * rule notices. A host with guests is a class of its own.
 */
export function hostClasses(search: {
  readonly books: GroupBooks;
  readonly members: readonly Member[];
  readonly hosts: readonly number[];
}): ReadonlyMap<number, string> {
  const firsts = new Map<string, number>();
  const topologies = new Map<unknown, number>();
  const classes = search.hosts.map((host) => {
    const { host: snapshot, seats } = search.books.ledger(host);
    if (seats.size > 0) return [host, `${host}`] as const;
    const { topology, policy, labels = {} } = snapshot;
    const type = topologies.get(topology) ?? topologies.size;
    topologies.set(topology, type);
    const users = search.members.map(({ request }) => Number(mayUse(snapshot, request)));
    const ownLabels = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([type, policy, ownLabels, users]);
    const first = firsts.get(key) ?? host;
    firsts.set(key, first);
    return [host, `${first}`] as const;
  });
  return new Map(classes);
}
