import { berthError } from '../../base/errors.ts';
import type { StorageVol } from '../procedures/objects.ts';
import type { Clock } from '../rpc/clock.ts';
import type { TransferProgress } from './transfer-progress.ts';

/** Which part of which volume is moved, and how. Sizes are bytes and whole numbers up to 2^53 - 1. */
export interface TransferRequest {
  readonly vol: StorageVol;
  /** Where in the volume the transfer begins; 0 unless given. */
  readonly offset?: number | undefined;
  /**
   * How much is moved, 1 at least; all there is unless given. An upload beyond the end of a file
   * volume makes it grow: the capacity of a volume is no limit there.
   */
  readonly length?: number | undefined;
  /** Tells runs of zeros instead of sending them; the result is the same. */
  readonly sparse?: boolean | undefined;
  /** Called after every piece; what it throws stops the transfer. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** @throws BERTH_SPEC_INVALID for an offset or length that cannot be meant. */
export function checkRequest({ vol, offset = 0, length = 1 }: TransferRequest): void {
  checkBytes(`offset in volume ${vol.name}`, offset, 0);
  checkBytes(`length of the part of volume ${vol.name}`, length, 1);
}

function checkBytes(where: string, bytes: number, min: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= min) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where,
    problem: `${bytes} is no number of bytes`,
    expected: `a whole number from ${min} to 2^53 - 1`,
  });
}
