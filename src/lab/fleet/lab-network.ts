import { createHash } from 'node:crypto';

/** The bridge of every lab, in the lab's own network namespace. */
export const LAB_BRIDGE = 'berth0';

/**
 * Networks to choose from: those of 24 bits in 198.18.0.0/15, which is set aside for trying out
 * network devices (RFC 2544), so that no real network's addresses are hidden from a host.
 */
export const NETWORKS_MAX = 512;

/** Hosts of one lab: addresses .11 to .250; below are the lab's own, above those of guests' servers. */
export const LAB_HOSTS_MAX = 240;

const FIRST_HOST = 10;

export interface LabNetwork {
  /** The first three numbers of its addresses: `198.18.3`. */
  readonly prefix: string;
  /** As people write it: `198.18.3.0/24`. */
  readonly cidr: string;
  /** Where the lab itself stands, on its bridge. */
  readonly gateway: string;
}

/** The network of a number from 0 to NETWORKS_MAX - 1. */
export function networkOf(number: number): LabNetwork {
  const prefix = `198.${18 + Math.floor(number / 256)}.${number % 256}`;
  return { prefix, cidr: `${prefix}.0/24`, gateway: `${prefix}.1` };
}

/** The number of a network by its prefix; undefined for one that is not a lab's. */
export function networkNumber(prefix: string): number | undefined {
  const match = /^198\.(18|19)\.(\d{1,3})$/.exec(prefix);
  const [, second, third] = (match ?? []).map(Number);
  if (second === undefined || third === undefined || third > 255) return undefined;
  return (second - 18) * 256 + third;
}

/** The network that a lab tends to get: the same for the same folder. */
export function wishedNetwork(dir: string): number {
  return createHash('sha256').update(dir).digest().readUInt16BE(0) % NETWORKS_MAX;
}

/** The address of a lab's host by its index from 1. */
export function hostAddress(network: number, index: number): string {
  return `${networkOf(network).prefix}.${FIRST_HOST + index}`;
}
