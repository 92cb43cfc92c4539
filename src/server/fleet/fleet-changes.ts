import type { DomainRecord } from '../../host/domain-record.ts';

/** What happened to a VM or a foreign domain, as far as a user can see it. */
export interface VmChange {
  readonly kind: 'vm';
  /** The name of its host. */
  readonly host: string;
  /** `changed`: its state, its size, its place, its document or what Berth may do with it. */
  readonly change: 'appeared' | 'changed' | 'gone';
  /** As it is known now; of one that is gone, as it was last seen. */
  readonly record: DomainRecord;
}

/** What happened to a host of the fleet. */
export interface HostChange {
  readonly kind: 'host';
  readonly name: string;
  /** `changed`: its labels, its settings, or why it cannot be reached. */
  readonly change: 'connected' | 'unreachable' | 'added' | 'removed' | 'changed';
}

export type FleetChange = VmChange | HostChange;

/** Hears of changes, one after the other, in the moment they happen. It must not throw. */
export type FleetListener = (change: FleetChange) => void;

/**
 * Tells whoever listens in this process what changes in the fleet. A change is told after it can be
 * read from `Fleet`, and only when something differs that a user could see: reading a domain again
 * and finding it as it was tells nothing. What happened before one listens is not told.
 */
export class FleetChanges {
  readonly #listeners = new Set<FleetListener>();

  /** @returns ends the listening. */
  listen(listener: FleetListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  publish(change: FleetChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
