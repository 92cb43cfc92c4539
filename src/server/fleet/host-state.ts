/**
 * How a host stands with the server. `connecting`: nobody has reached it yet since it was registered
 * or the server started. `unreachable`: it does not answer; what was known of it stays known, and
 * nobody knows how its VMs stand.
 */
export interface HostState {
  readonly phase: 'connecting' | 'connected' | 'unreachable';
  /** When that began, in milliseconds since the epoch, as the others are. */
  readonly since: number;
  /** Why it cannot be reached. */
  readonly reason?: string;
  /** When it was last known to answer; absent for one that never has. */
  readonly lastContactAt?: number;
  /** When it is tried again; absent while it is connected, and where an attempt is under way. */
  readonly nextAttemptAt?: number;
}
