import type { Readable, Writable } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import type { Connection } from '../connection.ts';
import { StorageVolDownloadFlag } from '../flags/storage-vol-flags.ts';
import { storageVolDownload } from '../procedures/storage-vol.ts';
import { systemClock } from '../rpc/clock.ts';
import { shareWait, type Wait } from '../rpc/wait.ts';
import type { Hole } from '../streams/hole.ts';
import { bytesSink, streamSink, type DownloadSink } from './download-sink.ts';
import { TransferGuard } from './transfer-guard.ts';
import { TransferMeter, type TransferProgress } from './transfer-progress.ts';
import { checkRequest, type TransferRequest } from './transfer-request.ts';
import { VolumeFile } from './volume-file.ts';
import { volumeExtent } from './volume-extent.ts';

/** Where a download goes: a file by its path, a Node stream, or bytes that are filled. */
export type DownloadTarget = string | Writable | Uint8Array;

/**
 * Reads a volume. A file gets its name only when it is whole; one that was there keeps its content
 * until then, and a failed download leaves nothing behind. A Node stream is ended, or destroyed
 * where the download fails. The wait covers everything.
 *
 * A sparse download is told the holes of the volume instead of their zeros: a file gets the same
 * holes, a stream in object mode gets them as `Hole`, any other target the zeros.
 * @throws LibvirtError for what the host refuses; BERTH_TRANSFER_SHORT when the volume ends before
 * all that was expected has come; BERTH_TOO_LARGE for bytes that cannot hold it; BERTH_DISK_FULL,
 * BERTH_NOT_FOUND, BERTH_PERMISSION, BERTH_FILE and BERTH_SPEC_INVALID about the file and the request; else
 * like `Connection.openStream`.
 */
export async function downloadVolume(
  connection: Pick<Connection, 'call' | 'openStream'>,
  target: DownloadTarget,
  request: TransferRequest,
  wait: Wait,
): Promise<TransferProgress> {
  const { clock = systemClock, onProgress, vol } = request;
  const what = `the download of volume ${vol.name}`;
  checkRequest(request);
  const rest = shareWait(clock, wait, what);
  const sink = await sinkOf(target, what);
  try {
    const meter = new TransferMeter(await totalOf(connection, request, rest()), onProgress);
    const stream = await openDownload(connection, request, rest());
    const guard = new TransferGuard(stream, what, clock, rest);
    guard.heed(sink.failed);
    await guard.over(async () => {
      for await (const piece of piecesOf(stream)) {
        await guard.during(sink.write(piece));
        meter.count(piece);
      }
      checkWhole(meter, what);
      await guard.during(sink.finish());
    });
    return meter.progress;
  } finally {
    await sink.letGo();
  }
}

/**
 * Reads a volume piece by piece, as data and holes; a loop that is left early aborts the download.
 * The wait covers everything up to the last piece.
 * @throws like `downloadVolume`.
 */
export async function* readVolume(
  connection: Pick<Connection, 'call' | 'openStream'>,
  request: TransferRequest,
  wait: Wait,
): AsyncGenerator<Buffer | Hole, void, void> {
  const { clock = systemClock, onProgress, vol } = request;
  const what = `the download of volume ${vol.name}`;
  checkRequest(request);
  const rest = shareWait(clock, wait, what);
  const meter = new TransferMeter(await totalOf(connection, request, rest()), onProgress);
  const stream = await openDownload(connection, request, rest());
  const guard = new TransferGuard(stream, what, clock, rest);
  try {
    for await (const piece of piecesOf(stream)) {
      yield piece;
      meter.count(piece);
    }
    checkWhole(meter, what);
  } catch (error) {
    throw guard.reasonOf(error);
  } finally {
    await guard.end();
  }
}

async function sinkOf(target: DownloadTarget, what: string): Promise<DownloadSink> {
  if (typeof target === 'string') return VolumeFile.make(target);
  if (target instanceof Uint8Array) return bytesSink(target, what);
  return streamSink(target);
}

async function totalOf(
  connection: Pick<Connection, 'call'>,
  { vol, offset = 0, length }: TransferRequest,
  wait: Wait,
): Promise<number> {
  if (length !== undefined) return length;
  return Math.max(0, (await volumeExtent(connection, vol, wait)).bytes - offset);
}

async function openDownload(
  connection: Pick<Connection, 'openStream'>,
  { vol, offset = 0, length = 0, sparse = false }: TransferRequest,
  wait: Wait,
): Promise<Readable> {
  const flags = sparse ? StorageVolDownloadFlag.sparseStream : 0;
  const args = { vol, offset: BigInt(offset), length: BigInt(length), flags };
  return (await connection.openStream(storageVolDownload, args, wait)).stream;
}

/**
 * Node types what a stream gives as anything; ours gives nothing else. A loop that fails leaves the
 * stream to the guard: Node would destroy it with an error of its own, as if that were the reason.
 */
function piecesOf(stream: Readable): AsyncIterable<Buffer | Hole> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | Hole>;
}

/** A volume that grows meanwhile may give more than was expected, but less is not all of it. */
function checkWhole(
  { progress: { doneBytes, totalBytes = 0 } }: TransferMeter,
  what: string,
): void {
  if (doneBytes >= totalBytes) return;
  throw berthError('BERTH_TRANSFER_SHORT', { what, doneBytes, totalBytes });
}
