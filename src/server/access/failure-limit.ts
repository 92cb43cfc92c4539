/** How many failures are forgiven at once, and how soon one more is. */
export interface Allowance {
  readonly burst: number;
  readonly refillMs: number;
}

const PER_ADDRESS: Allowance = { burst: 10, refillMs: 6_000 };
const OVERALL: Allowance = { burst: 200, refillMs: 100 };
/** Addresses that are remembered; beyond them the one that failed longest ago is forgotten. */
const ADDRESSES_MAX = 4096;

/** What is left of an allowance at a moment. */
interface Bucket {
  readonly left: number;
  readonly at: number;
}

/**
 * Counts failed logins: by address, and all together, in token buckets of a bounded number. Whoever
 * has used up an allowance is not heard until some of it has come back.
 */
export class FailureLimit {
  readonly #now: () => number;
  readonly #perAddress: Allowance;
  readonly #allOver: Allowance;
  readonly #addresses = new Map<string, Bucket>();
  #overall: Bucket | undefined;

  constructor(now: () => number, perAddress = PER_ADDRESS, overall = OVERALL) {
    this.#now = now;
    this.#perAddress = perAddress;
    this.#allOver = overall;
  }

  /** How long nothing is heard from an address, in milliseconds; 0 when it is heard. */
  waitMs(address: string): number {
    const own = this.#waitOf(this.#addresses.get(networkOf(address)), this.#perAddress);
    return Math.max(own, this.#waitOf(this.#overall, this.#allOver));
  }

  /** Takes a failure back that was counted before it was known to be none. */
  forgive(address: string): void {
    const network = networkOf(address);
    const bucket = this.#addresses.get(network);
    if (bucket !== undefined) this.#addresses.set(network, more(bucket, this.#perAddress));
    if (this.#overall !== undefined) this.#overall = more(this.#overall, this.#allOver);
  }

  failed(address: string): void {
    const network = networkOf(address);
    const bucket = this.#addresses.get(network);
    this.#addresses.delete(network); // what is set anew stands last
    this.#addresses.set(network, this.#less(bucket, this.#perAddress));
    this.#overall = this.#less(this.#overall, this.#allOver);
    if (this.#addresses.size <= ADDRESSES_MAX) return;
    const [oldest] = this.#addresses.keys();
    if (oldest !== undefined) this.#addresses.delete(oldest);
  }

  #less(bucket: Bucket | undefined, allowance: Allowance): Bucket {
    return { left: Math.max(0, this.#left(bucket, allowance) - 1), at: this.#now() };
  }

  #waitOf(bucket: Bucket | undefined, allowance: Allowance): number {
    const left = this.#left(bucket, allowance);
    return left >= 1 ? 0 : Math.ceil((1 - left) * allowance.refillMs);
  }

  /** A clock that is set back refills nothing, and takes nothing away. */
  #left(bucket: Bucket | undefined, { burst, refillMs }: Allowance): number {
    if (bucket === undefined) return burst;
    const passed = Math.max(0, this.#now() - bucket.at);
    return Math.min(burst, bucket.left + passed / refillMs);
  }
}

function more({ left, at }: Bucket, { burst }: Allowance): Bucket {
  return { left: Math.min(burst, left + 1), at };
}

/** One who has an IPv6 address usually has 2^64 of them, which therefore count as one. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - behind.length) }, () => '0');
  return [...groups, ...zeros, ...behind].slice(0, 4).join(':');
}
