import type { MapInk } from './map-ink.ts';
import type { Owners } from './map-owners.ts';

/** What every part of the map needs to draw itself. */
export interface MapPen {
  readonly unicode: boolean;
  readonly ink: MapInk;
  readonly owners: Owners;
  /** Digits of the highest pCPU number. */
  readonly idWidth: number;
  /** Every core gets a box; false on machines too large for that. */
  readonly boxed: boolean;
  /** The machine has one cell: memory that is not bound to a cell lies there. */
  readonly soleCell: boolean;
}
