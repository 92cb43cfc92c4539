import type { Stats } from 'node:fs';
import { mkdtemp, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { Hole } from '../streams/hole.ts';
import type { DownloadSink } from './download-sink.ts';
import { localFileError } from './local-file-error.ts';

/**
 * A file that gets its name when it is whole. Until then it lies beside its place, in a folder
 * whose name begins with `.berth-`; a file that was there keeps its content to the end, and who may
 * read it. A new one is for this user alone: what is on a disk is not for everybody.
 */
export class VolumeFile implements DownloadSink {
  readonly failed = Promise.resolve();
  readonly #path: string;
  readonly #folder: string;
  readonly #file: FileHandle;
  #at = 0;

  private constructor(path: string, folder: string, file: FileHandle) {
    this.#path = path;
    this.#folder = folder;
    this.#file = file;
  }

  /** @throws BERTH_NOT_FOUND, BERTH_PERMISSION, BERTH_FILE, BERTH_SPEC_INVALID where no file can stand. */
  static async make(path: string): Promise<VolumeFile> {
    try {
      const { place, there } = await placeOf(path);
      const folder = await mkdtemp(join(dirname(place), '.berth-'));
      let file: FileHandle | undefined;
      try {
        file = await open(join(folder, PART), 'wx', PRIVATE);
        if (there !== undefined) await dressAs(file, there);
        return new VolumeFile(place, folder, file);
      } catch (error) {
        await file?.close();
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    } catch (error) {
      throw localFileError(error, path);
    }
  }

  async write(piece: Buffer | Hole): Promise<void> {
    try {
      if (piece instanceof Hole) this.#at += piece.bytes;
      else await this.#writeData(piece);
    } catch (error) {
      throw localFileError(error, this.#path);
    }
  }

  /** The last piece may have been a hole: that alone makes no file longer. */
  async finish(): Promise<void> {
    try {
      await this.#file.truncate(this.#at);
      await this.#file.datasync(); // a crash must not leave the name on half a file
      await this.#file.close();
      await rename(join(this.#folder, PART), this.#path);
    } catch (error) {
      throw localFileError(error, this.#path);
    }
  }

  async letGo(): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #writeData(data: Buffer): Promise<void> {
    for (let done = 0; done < data.length;) {
      const length = data.length - done;
      const { bytesWritten } = await this.#file.write(data, done, length, this.#at);
      done += bytesWritten;
      this.#at += bytesWritten;
    }
  }
}

const PART = 'part';

/** Mode of what is for its owner alone. */
const PRIVATE = 0o600;
/** The bits of a mode that say who may read, write and run. */
const ACCESS = 0o777;
const OWNER_ACCESS = 0o700;

/** Owner, group and mode of the file that is replaced; without its group, nobody but the owner. */
async function dressAs(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat();
  const isSame = own.uid === uid && own.gid === gid;
  const isDressed = isSame || (await succeeds(file.chown(uid, gid)));
  await file.chmod(mode & (isDressed ? ACCESS : OWNER_ACCESS));
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** The file behind links; something else than a file would be replaced by one, so it is refused. */
async function placeOf(path: string): Promise<{ place: string; there: Stats | undefined }> {
  const place = await realpath(path).catch(() => path);
  const there = await stat(place).catch(() => undefined);
  if (there === undefined || there.isFile()) return { place, there };
  throw berthError('BERTH_SPEC_INVALID', {
    where: path,
    problem: 'there is something that is no file',
    expected: 'the path of a file, or a Node stream',
  });
}
