import type { XmlElement } from './element.ts';
import { integerAttribute } from './value.ts';

/** `<bandwidth>`: how fast data may come in and go out, seen from the guest or network. */
export interface Bandwidth {
  readonly inbound: BandwidthLimit | undefined;
  readonly outbound: BandwidthLimit | undefined;
}

/** One direction. Rates are KiB per second (libvirt says kilobytes and means 1024 bytes). */
export interface BandwidthLimit {
  readonly averageKiBps: number | undefined;
  readonly peakKiBps: number | undefined;
  readonly burstKiB: number | undefined;
  /** What is guaranteed; only inbound, only in networks that shape. */
  readonly floorKiBps: number | undefined;
}

/**
 * Reads the `<bandwidth>` of an interface, network or port group.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readBandwidth(owner: XmlElement): Bandwidth | undefined {
  const bandwidth = owner.child('bandwidth');
  if (bandwidth === undefined) return undefined;
  return { inbound: readLimit(bandwidth, 'inbound'), outbound: readLimit(bandwidth, 'outbound') };
}

function readLimit(bandwidth: XmlElement, direction: string): BandwidthLimit | undefined {
  const limit = bandwidth.child(direction);
  if (limit === undefined) return undefined;
  return {
    averageKiBps: integerAttribute(limit, 'average'),
    peakKiBps: integerAttribute(limit, 'peak'),
    burstKiB: integerAttribute(limit, 'burst'),
    floorKiBps: integerAttribute(limit, 'floor'),
  };
}
