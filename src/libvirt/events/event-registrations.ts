import type { CallTable } from '../rpc/call-table.ts';
import type { Clock } from '../rpc/clock.ts';
import { interrupted, shareWait, within, type Wait } from '../rpc/wait.ts';
import type { EventSink } from './event-feed.ts';
import type { EventKind } from './event-kind.ts';
import type { EventRouter } from './event-router.ts';
import { SharedRegistration, type Registration } from './shared-registration.ts';

interface RegistrationsParts {
  readonly clock: Clock;
  readonly calls: CallTable;
  readonly router: EventRouter;
}

/**
 * The registrations for events on one connection. libvirt refuses a second one of the same kind for
 * the same object with code 8 ("event callback already tracked", 9.0, object_event.c), so all who
 * want the same share one. One for all objects and one for a single object are two.
 */
export class EventRegistrations {
  readonly #parts: RegistrationsParts;
  readonly #shared = new Map<string, Registration>();

  constructor(parts: RegistrationsParts) {
    this.#parts = parts;
  }

  /**
   * Has the sink get every event from now on, by a registration that is there or a new one. The
   * result takes that back; the last who does so has the daemon told.
   */
  async listen<E, O>(
    kind: EventKind<E, O>,
    object: O | undefined,
    sink: EventSink<E>,
    wait: Wait,
  ): Promise<(wait: Wait) => Promise<void>> {
    const { clock } = this.#parts;
    const { register } = kind.source;
    const rest = shareWait(clock, wait, register.name);
    if (wait.signal?.aborted === true) throw interrupted(register.name, wait);
    const key = `${register.program}/${register.number}/${kind.source.identity(kind.eventId, object)}`;
    for (;;) {
      const shared = this.#shared.get(key) ?? this.#begin(key, kind, object);
      if (shared.isOpen) return shared.join(sink, rest());
      // The daemon handles calls in parallel: one that overtakes the deregistration is refused.
      await within(shared.gone, register.name, clock, rest());
    }
  }

  /** The connection is gone, and every registration with it. */
  end(): void {
    for (const shared of this.#shared.values()) shared.end();
  }

  #begin<E, O>(key: string, kind: EventKind<E, O>, object: O | undefined): Registration {
    const onGone = (): void => void this.#shared.delete(key);
    const shared = new SharedRegistration({ ...this.#parts, kind, object, onGone });
    this.#shared.set(key, shared);
    return shared;
  }
}
