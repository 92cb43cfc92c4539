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
 * @returns a feed that never ends by itself; a lost event comes as `resync`.
 */
export async function subscribeDomains(
  link: HostLink,
  wait: Wait,
): Promise<readonly AsyncIterable<DomainNews>[]> {
  const { connection } = link;
  return [
    news(await connection.subscribe(DomainEvent.lifecycle, {}, wait)),
    news(await connection.subscribe(DomainEvent.metadataChange, {}, wait)),
    news(await connection.subscribe(DomainEvent.tunable, {}, wait)),
    news(await connection.subscribe(DomainEvent.balloonChange, {}, wait)),
  ];
}

async function* news(
  feed: EventFeed<{ readonly dom: { readonly uuid: string } }>,
): AsyncGenerator<DomainNews> {
  for (;;) {
    try {
      for await (const event of feed) yield { kind: 'changed', uuid: event.dom.uuid };
      return;
    } catch (error) {
      if (!isBerthError(error, 'BERTH_OVERFLOW') && !isBerthError(error, 'BERTH_PROTOCOL'))
        throw error;
      yield { kind: 'resync' };
    }
  }
}
