import { berthError } from '../../base/errors.ts';
import type { Connection } from '../connection.ts';
import { domainScreenshot } from '../procedures/domain-stream.ts';
import type { Domain } from '../procedures/objects.ts';
import { systemClock, type Clock } from '../rpc/clock.ts';
import { shareWait, type Wait } from '../rpc/wait.ts';
import { TransferGuard } from './transfer-guard.ts';

/** Largest picture that is taken unless said otherwise: more than 4096 x 4096 pixels without packing. */
export const SCREENSHOT_BYTES_MAX = 64 * 1024 * 1024;

/** What is to be pictured. */
export interface ScreenshotRequest {
  readonly dom: Domain;
  /** Number of the screen, 0 unless given. */
  readonly screen?: number | undefined;
  readonly bytesMax?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A picture of a screen. */
export interface Screenshot {
  /** Its format: image/png of a QEMU 7.1 and newer, image/x-portable-pixmap of older ones. */
  readonly mime: string | undefined;
  readonly bytes: Buffer;
}

/**
 * Takes a picture of a running domain's screen.
 * @throws LibvirtError, with code 55 for a domain that does not run; BERTH_TOO_LARGE for a picture
 * above the limit; else like `Connection.openStream`.
 */
export async function takeScreenshot(
  connection: Pick<Connection, 'openStream'>,
  { dom, screen = 0, bytesMax = SCREENSHOT_BYTES_MAX, clock = systemClock }: ScreenshotRequest,
  wait: Wait,
): Promise<Screenshot> {
  const what = `the picture of screen ${screen}`;
  const rest = shareWait(clock, wait, what);
  const { result, stream } = await connection.openStream(domainScreenshot, { dom, screen }, rest());
  const pieces: Buffer[] = [];
  const guard = new TransferGuard(stream, what, clock, rest);
  await guard.over(async () => {
    let size = 0;
    const whole = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const piece of whole) {
      size += piece.length;
      if (size > bytesMax) throw berthError('BERTH_TOO_LARGE', { what, size, max: bytesMax });
      pieces.push(piece);
    }
  });
  return { mime: result.mime, bytes: Buffer.concat(pieces) };
}
