import type { FastifyInstance } from 'fastify';
import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Ports } from '../ports.ts';
import { AuditTrail } from './audit-trail.ts';
import { Authenticator } from './authenticator.ts';
import { guard } from './guard.ts';
import { Ways } from './ways.ts';

/** What decides who may do what, put together. */
export class Access {
  readonly authenticator: Authenticator;
  readonly trail: AuditTrail;
  readonly ways: Ways;
  readonly #fleet: Fleet;
  readonly #now: () => number;

  /** @param options.isProxied a proxy on this machine says where requests come from. */
  constructor(
    {
      store,
      fleet,
      ports,
    }: { readonly store: Store; readonly fleet: Fleet; readonly ports: Ports },
    options: { readonly isProxied: boolean },
  ) {
    this.authenticator = new Authenticator(store, ports);
    this.trail = new AuditTrail(store, ports);
    this.ways = new Ways(options);
    this.#fleet = fleet;
    this.#now = ports.now;
  }

  /** Stands before every route that is added from now on, and marks what comes by the socket. */
  async guard(app: FastifyInstance): Promise<void> {
    app.server.on('connection', (socket) => this.ways.tell(socket, 'socket'));
    const { authenticator, trail, ways } = this;
    await guard(app, { authenticator, trail, ways, fleet: this.#fleet, now: this.#now });
  }
}
