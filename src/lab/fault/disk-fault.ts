import { berthError, isBerthError } from '../../base/errors.ts';
import type { Argv } from '../system/run-command.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';

const COMMAND_DEADLINE_MS = 120_000;

const FOLDER = '/var/lib/libvirt';
/** What takes up the space; its name says why it is there. */
const FILE = `${FOLDER}/berth-fault-disk-full`;

/** The unit of the file systems in use, and of what is still asked for in the end. */
const BLOCK_BYTES = 4096;
/** What is written, rather than reserved, at most: only scattered single blocks are left then. */
const REST_BLOCKS = 8192;

/**
 * Takes up all space of the host's file system, without writing to what it lies on; it must be the
 * host's own.
 */
export async function fillDisk(target: FaultTarget, work: FaultWork): Promise<void> {
  let bytes = 0;
  let step = await freeBytes(target, work, 'all');
  while (step >= BLOCK_BYTES) {
    const wanted = ['fallocate', '-o', `${bytes}`, '-l', `${step}`, FILE] as const;
    if (await succeeds(target, wanted, work)) bytes += step;
    else step = Math.floor(step / 2 / BLOCK_BYTES) * BLOCK_BYTES;
  }
  const rest = [`bs=${BLOCK_BYTES}`, `count=${REST_BLOCKS}`, 'oflag=append', 'conv=notrunc'];
  const filled = await failureOf(target, ['dd', 'if=/dev/zero', `of=${FILE}`, ...rest], work);
  const left = await freeBytes(target, work, 'available');
  if (left > 0) throw notFull(target, left, filled);
}

/** Whatever failed, it was not for want of space. */
function notFull({ name }: FaultTarget, left: number, cause: unknown): Error {
  const data = {
    what: `filling the disk of ${name}`,
    why: `${left} bytes of it are still free after all that could be taken was taken`,
    remedy: 'see whether its file system can be written to, and whether something else frees space',
  };
  return berthError('BERTH_CONFLICT', data, cause === undefined ? {} : { cause });
}

/** Gives the space back. */
export async function freeDisk(target: FaultTarget, work: FaultWork): Promise<void> {
  await target.run(['rm', '-f', FILE], waiting(work));
}

/** True while the space is taken up. */
export async function isDiskFilled(target: FaultTarget): Promise<boolean> {
  return succeeds(target, ['test', '-e', FILE], {});
}

/** What is free at all, or what of it a file may have: ext4 keeps some blocks for its own needs. */
async function freeBytes(
  target: FaultTarget,
  work: FaultWork,
  which: 'all' | 'available',
): Promise<number> {
  const format = which === 'all' ? '%f %S' : '%a %S';
  const { stdout } = await target.run(['stat', '-f', '-c', format, FOLDER], waiting(work));
  const [blocks = 0, size = 0] = stdout.trim().split(' ').map(Number);
  return Math.floor((blocks * size) / BLOCK_BYTES) * BLOCK_BYTES;
}

async function succeeds(target: FaultTarget, argv: Argv, work: FaultWork): Promise<boolean> {
  return (await failureOf(target, argv, work)) === undefined;
}

/** How a command failed; undefined when it did not. */
async function failureOf(target: FaultTarget, argv: Argv, work: FaultWork): Promise<unknown> {
  try {
    await target.run(argv, waiting(work));
    return undefined;
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return error;
    throw error;
  }
}

function waiting({ signal }: FaultWork) {
  return { deadlineMs: COMMAND_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
}
