import { isBerthError } from '../../base/errors.ts';
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
  let step = await freeBytes(target, work);
  while (step >= BLOCK_BYTES) {
    const wanted = ['fallocate', '-o', `${bytes}`, '-l', `${step}`, FILE] as const;
    if (await succeeds(target, wanted, work)) bytes += step;
    else step = Math.floor(step / 2 / BLOCK_BYTES) * BLOCK_BYTES;
  }
  const rest = [`bs=${BLOCK_BYTES}`, `count=${REST_BLOCKS}`, 'oflag=append', 'conv=notrunc'];
  await succeeds(target, ['dd', 'if=/dev/zero', `of=${FILE}`, ...rest], work);
}

/** Gives the space back. */
export async function freeDisk(target: FaultTarget, work: FaultWork): Promise<void> {
  await target.run(['rm', '-f', FILE], waiting(work));
}

/** True while the space is taken up. */
export async function isDiskFilled(target: FaultTarget): Promise<boolean> {
  return succeeds(target, ['test', '-e', FILE], {});
}

async function freeBytes(target: FaultTarget, work: FaultWork): Promise<number> {
  const { stdout } = await target.run(['stat', '-f', '-c', '%f %S', FOLDER], waiting(work));
  const [blocks = 0, size = 0] = stdout.trim().split(' ').map(Number);
  return Math.floor((blocks * size) / BLOCK_BYTES) * BLOCK_BYTES;
}

async function succeeds(target: FaultTarget, argv: Argv, work: FaultWork): Promise<boolean> {
  try {
    await target.run(argv, waiting(work));
    return true;
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return false;
    throw error;
  }
}

function waiting({ signal }: FaultWork) {
  return { deadlineMs: COMMAND_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
}
