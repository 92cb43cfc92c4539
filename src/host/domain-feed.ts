import { isBerthError } from '../base/errors.ts';
import { DEADLINE_MS_MAX, DomainEvent } from '../libvirt/index.ts';
import type { Domain, EventFeed, EventKind, LastingConnection } from '../libvirt/index.ts';

/** What a host tells about its domains: one of them changed, or everything must be read again. */
export type DomainNews =
  { readonly kind: 'changed'; readonly uuid: string } | { readonly kind: 'resync' };

interface AboutDomain {
  readonly dom: { readonly uuid: string };
}

/** Asks a host for one kind of news. */
export type NewsKind = (connection: LastingConnection) => Promise<EventFeed<AboutDomain>>;

/** The events that tell of everything that changes what a domain is or takes. */
export const NEWS_KINDS: readonly NewsKind[] = [
  newsKind(DomainEvent.lifecycle),
  newsKind(DomainEvent.metadataChange),
  newsKind(DomainEvent.tunable),
  newsKind(DomainEvent.balloonChange),
];

/**
 * News of one kind, over all connections to a host. They are asked for at once, not when they are
 * first read: what is asked for before there is a connection is registered before anything is read.
 * Where the connection was away nothing is said, since everything is read again on each new one.
 * @returns news that fail where they cannot be had, and when the connection is closed.
 */
export function domainNews(
  connection: LastingConnection,
  kind: NewsKind,
): AsyncIterable<DomainNews> {
  const subscribing = kind(connection);
  subscribing.catch(() => undefined); // told to whoever reads the news
  return {
    [Symbol.asyncIterator]: async function* () {
      const feed = await subscribing;
      for (;;) {
        try {
          for await (const { dom } of feed) yield { kind: 'changed', uuid: dom.uuid } as const;
          return;
        } catch (error) {
          if (isBerthError(error, 'BERTH_EVENTS_MISSED')) continue;
          const isGap =
            isBerthError(error, 'BERTH_OVERFLOW') || isBerthError(error, 'BERTH_PROTOCOL');
          if (!isGap) throw error;
          yield { kind: 'resync' } as const;
        }
      }
    },
  };
}

/** However long the host is away at first. */
function newsKind<E extends AboutDomain>(kind: EventKind<E, Domain>): NewsKind {
  return async (connection) => connection.subscribe(kind, {}, { deadlineMs: DEADLINE_MS_MAX });
}
