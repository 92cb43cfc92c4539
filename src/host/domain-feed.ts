import { isBerthError } from '../base/errors.ts';
import { DomainEvent } from '../libvirt/index.ts';
import type { EventFeed, Wait } from '../libvirt/index.ts';
import type { HostLink } from './host-link.ts';

/** What a host tells about its domains: one of them changed, or everything must be read again. */
export type DomainNews =
  { readonly kind: 'changed'; readonly uuid: string } | { readonly kind: 'resync' };

/**
 * Registers for everything that changes what a domain is or takes. Subscribe first, then list, then
 * follow: nothing is missed in between.
 * @returns feeds that end or fail with the connection; a lost event comes as `resync`.
 */
export async function subscribeDomains(
  link: HostLink,
  wait: Wait,
): Promise<readonly AsyncIterable<DomainNews>[]> {
  const { connection } = link;
  const isOver = isSettled(link.closed);
  return [
    news(await connection.subscribe(DomainEvent.lifecycle, {}, wait), isOver),
    news(await connection.subscribe(DomainEvent.metadataChange, {}, wait), isOver),
    news(await connection.subscribe(DomainEvent.tunable, {}, wait), isOver),
    news(await connection.subscribe(DomainEvent.balloonChange, {}, wait), isOver),
  ];
}

function isSettled(promise: Promise<unknown>): () => boolean {
  let settled = false;
  void promise.then(() => (settled = true));
  return () => settled;
}

async function* news(
  feed: EventFeed<{ readonly dom: { readonly uuid: string } }>,
  isOver: () => boolean,
): AsyncGenerator<DomainNews> {
  for (;;) {
    try {
      for await (const event of feed) yield { kind: 'changed', uuid: event.dom.uuid };
      return;
    } catch (error) {
      const isGap = isBerthError(error, 'BERTH_OVERFLOW') || isBerthError(error, 'BERTH_PROTOCOL');
      // A connection that broke the protocol ends with the same code, and then at every read.
      if (!isGap || isOver()) throw error;
      yield { kind: 'resync' };
    }
  }
}
