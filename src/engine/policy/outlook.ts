import { NO_WORTH } from '../room/room-worth.ts';
import type { RoomWorth } from '../room/room-worth.ts';
import type { Policy } from './policy.ts';
import { DEFAULT_POLICY } from './policy.ts';

/** By what places are compared: a policy, and what room is worth to the guests that usually come. */
export interface Outlook {
  readonly policy: Policy;
  readonly worth: RoomWorth;
}

/** The default policy, where nothing is known of the guests to come. */
export const PLAIN_OUTLOOK: Outlook = { policy: DEFAULT_POLICY, worth: NO_WORTH };
