import type { Flavor } from '../../model/arrival.ts';
import type { Fleet } from '../fleet/fleet.ts';

/**
 * How much of a fleet its guests take. CPU: dedicated pCPUs, and floating vCPUs by the host's ratio,
 * per pCPU that guests may use. Memory: that of guests in pages of whatever size, per memory that
 * guests may have; beyond 1 where hosts are overcommitted.
 */
export class Load {
  readonly #ratios: ReadonlyMap<string, number>;
  readonly #guests = new Map<string, number>();
  readonly #cpus: number;
  readonly #bytes: number;
  #takenCpus = 0;
  #takenBytes = 0;

  /** Counts the seats that are there already. */
  constructor(fleet: Fleet) {
    const { ledgers } = fleet;
    this.#ratios = new Map(ledgers.map(({ host }) => [host.name, host.policy.cpuRatio]));
    this.#cpus = sum(ledgers, ({ poolEver, freeEver }) => poolEver.or(freeEver).size);
    this.#bytes = sum(ledgers, ({ host }) =>
      Math.max(0, sum(host.topology.cells, (c) => c.memoryBytes) - host.policy.reservedBytes),
    );
    for (const { host, seats } of ledgers) {
      if (seats.size > 0) this.#guests.set(host.name, seats.size);
      for (const seat of seats.values()) {
        this.#takenCpus += seat.dedicated.length + seat.floating.vcpus / host.policy.cpuRatio;
        this.#takenBytes += sum(seat.memory, (share) => share.bytes);
      }
    }
  }

  /** Share of the pCPUs that is taken. */
  get cpu(): number {
    return this.#cpus === 0 ? 0 : this.#takenCpus / this.#cpus;
  }

  get memory(): number {
    return this.#bytes === 0 ? 0 : this.#takenBytes / this.#bytes;
  }

  /** Hosts with at least one guest. */
  get hostsUsed(): number {
    return this.#guests.size;
  }

  enter(host: string, flavor: Flavor): void {
    this.#post(host, flavor, 1);
  }

  leave(host: string, flavor: Flavor): void {
    this.#post(host, flavor, -1);
  }

  #post(host: string, { policy, vcpus, memoryBytes }: Flavor, sign: 1 | -1): void {
    const ratio = policy === 'shared' ? (this.#ratios.get(host) ?? 1) : 1;
    this.#takenCpus += (sign * vcpus) / ratio;
    this.#takenBytes += sign * memoryBytes;
    const guests = (this.#guests.get(host) ?? 0) + sign;
    if (guests > 0) this.#guests.set(host, guests);
    else this.#guests.delete(host);
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
