import type { Writable } from 'node:stream';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Connection } from '../connection.ts';
import { StorageVolType, StorageVolUploadFlag } from '../flags/storage-vol-flags.ts';
import { storageVolUpload } from '../procedures/storage-vol.ts';
import { systemClock } from '../rpc/clock.ts';
import { causeOf, shareWait, type Wait } from '../rpc/wait.ts';
import { Hole } from '../streams/hole.ts';
import { RemoteStream } from '../streams/remote-stream.ts';
import { BufferLoop } from './buffer-loop.ts';
import { findHoles } from './find-holes.ts';
import { TransferGuard } from './transfer-guard.ts';
import { TransferMeter, type TransferProgress } from './transfer-progress.ts';
import { checkRequest, type TransferRequest } from './transfer-request.ts';
import { openSource, takePieces, type OpenedSource, type UploadSource } from './upload-source.ts';
import { volumeExtent, type VolumeExtent } from './volume-extent.ts';

/**
 * Writes into a volume: a file of this machine, bytes, or what a Node stream or any other async
 * iterable gives. At most `length` bytes of the source are taken. A file volume grows without a word
 * where the source goes beyond its end, as with `virsh vol-upload`; only a block device refuses. The
 * wait covers everything, to the last byte on the host.
 *
 * Sparse uploads send no blocks of zeros. libvirt makes a hole by moving on and cutting the file
 * off there (9.0, virfdstream.c): bytes that were under the hole stay, and what was behind it is
 * lost. So holes are told only where the volume reads as zeros already, which is everywhere in a
 * new one and behind the end of any, and in block devices, where libvirt writes the zeros itself.
 *
 * An upload that fails or is stopped leaves the volume written in part.
 * @throws LibvirtError for what the host refuses; BERTH_OUTCOME_UNKNOWN when it was stopped or cut
 * off after it had begun; BERTH_NOT_FOUND, BERTH_PERMISSION, BERTH_FILE and BERTH_SPEC_INVALID about
 * the source and the request; BERTH_TRANSFER_SHORT when the source ends before `length`; else like
 * `Connection.openStream`.
 */
export async function uploadVolume(
  connection: Pick<Connection, 'call' | 'openStream'>,
  source: UploadSource,
  request: TransferRequest,
  wait: Wait,
): Promise<TransferProgress> {
  checkRequest(request);
  const { vol, length, clock = systemClock, sparse = false } = request;
  const what = `the upload to volume ${vol.name}`;
  const rest = shareWait(clock, wait, what);
  const opened = await openSource(source, sparse);
  try {
    const meter = new TransferMeter(totalOf(opened, length, what), request.onProgress);
    const extent = sparse ? await volumeExtent(connection, vol, rest()) : undefined;
    const stream = await openUpload(connection, request, rest());
    const upload = new Upload(stream, new TransferGuard(stream, what, clock, rest), meter);
    await upload.run(opened, request, holePlan(request, extent));
    return meter.progress;
  } finally {
    await opened.close();
  }
}

/** Where holes may be told, and how long a file that lost its end to one has to become again. */
interface UploadPlan {
  readonly at: number;
  readonly holesFrom: number;
  readonly endsAt: number;
}

function holePlan(
  { offset: at = 0 }: TransferRequest,
  extent: VolumeExtent | undefined,
): UploadPlan {
  const nowhere = { at, holesFrom: Number.POSITIVE_INFINITY, endsAt: 0 };
  if (extent === undefined) return nowhere;
  const { type, isBlank, bytes } = extent;
  if (type === StorageVolType.block) return { at, holesFrom: 0, endsAt: 0 };
  if (type !== StorageVolType.file) return nowhere;
  return { at, holesFrom: isBlank ? 0 : bytes, endsAt: bytes };
}

/** Holes are cut at `length` by the daemon when it is told one; a sparse upload keeps to it here. */
async function openUpload(
  connection: Pick<Connection, 'openStream'>,
  { vol, offset = 0, length = 0, sparse = false }: TransferRequest,
  wait: Wait,
): Promise<Writable> {
  const args = {
    vol,
    offset: BigInt(offset),
    length: sparse ? 0n : BigInt(length),
    flags: sparse ? StorageVolUploadFlag.sparseStream : 0,
  };
  return (await connection.openStream(storageVolUpload, args, wait)).stream;
}

function totalOf(
  { bytes }: OpenedSource,
  length: number | undefined,
  what: string,
): number | undefined {
  if (length === undefined || bytes === undefined) return length ?? bytes;
  if (bytes < length) throw tooShort(what, bytes, length);
  return length;
}

function tooShort(what: string, doneBytes: number, totalBytes: number): Error {
  return berthError('BERTH_TRANSFER_SHORT', { what, doneBytes, totalBytes });
}

/** An upload whose stream is open. */
class Upload {
  readonly #stream: Writable;
  readonly #guard: TransferGuard;
  readonly #meter: TransferMeter;

  constructor(stream: Writable, guard: TransferGuard, meter: TransferMeter) {
    this.#stream = stream;
    this.#guard = guard;
    this.#meter = meter;
  }

  async run(source: OpenedSource, { length }: TransferRequest, plan: UploadPlan): Promise<void> {
    try {
      await this.#guard.over(async () => {
        const buffers = new BufferLoop(
          this.#stream instanceof RemoteStream ? this.#stream : undefined,
        );
        await this.#send(findHoles(takePieces(source.pieces(buffers), length), plan));
        await this.#restoreEnd(plan);
        await this.#guard.during(this.#finished());
      });
    } catch (error) {
      throw outcomeOf(error);
    }
  }

  async #send(pieces: AsyncIterator<Uint8Array | Hole>): Promise<void> {
    for (;;) {
      const next = await this.#guard.during(pieces.next());
      if (next.done === true) break;
      await this.#guard.during(this.#written(next.value));
      this.#meter.count(next.value);
    }
    const { doneBytes, totalBytes = doneBytes } = this.#meter.progress;
    if (doneBytes < totalBytes) throw tooShort('the source of the upload', doneBytes, totalBytes);
  }

  /** A blank file ends at its last hole, or behind the data after that: the rest was zeros. */
  async #restoreEnd({ at, endsAt }: UploadPlan): Promise<void> {
    const { doneBytes, holeBytes } = this.#meter.progress;
    const left = endsAt - at - doneBytes;
    if (holeBytes > 0 && left > 0) await this.#guard.during(this.#written(new Hole(left)));
  }

  /** Waiting for each piece is the back-pressure: it is taken once there is room for another. */
  async #written(piece: Uint8Array | Hole): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The daemon has everything. Node calls back just the same when the stream ends without that. */
  async #finished(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }
}

/** The volume has been written in part, or even whole; libvirt's own refusals say what they mean. */
function outcomeOf(error: unknown): unknown {
  const lost =
    isBerthError(error, 'BERTH_CONNECTION_CLOSED') ||
    isBerthError(error, 'BERTH_PROTOCOL') ||
    isBerthError(error, 'BERTH_DEADLINE') ||
    isBerthError(error, 'BERTH_INTERRUPTED');
  if (!lost) return error;
  const data = { procedure: storageVolUpload.name, reason: error.message };
  return berthError('BERTH_OUTCOME_UNKNOWN', data, { cause: causeOf(error) });
}
