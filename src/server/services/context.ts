import type { Store } from '../../store/store.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Placer } from '../fleet/placer.ts';
import type { OperationRunner } from '../operations/operation-runner.ts';
import type { Ports } from '../ports.ts';

/** What every service stands on. */
export interface ServiceContext {
  readonly fleet: Fleet;
  readonly store: Store;
  readonly placer: Placer;
  readonly runner: OperationRunner;
  readonly ports: Ports;
}
