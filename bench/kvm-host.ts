import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKvmHost, stopKvmHost } from '../src/lab/kvm-host/kvm-host.ts';
import { median, type BenchResult } from './result.ts';

/**
 * The start of a KVM host up to libvirt's answer, restored from what was saved; against the boot of
 * the same machine, in the same rounds.
 */

const ROUNDS = 3;

const CACHE =
  process.env['BERTH_TEST_CACHE'] ?? fileURLToPath(new URL('../.cache', import.meta.url));

export async function bench(): Promise<readonly BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  const restored: number[] = [];
  const booted: number[] = [];
  try {
    await start(dir, false); // builds what is missing
    for (let round = 0; round < ROUNDS; round++) {
      restored.push(await start(dir, false));
      booted.push(await start(dir, true));
    }
  } finally {
    await stopKvmHost(dir);
    await rm(dir, { recursive: true });
  }
  const berth = median(restored);
  const peer = median(booted);
  return [
    {
      what: 'start of a KVM host',
      unit: 's',
      berth,
      peer,
      peerName: 'a boot',
      ratio: berth / peer,
    },
  ];
}

/** Starts the host and ends it. @returns seconds to libvirt's answer. */
async function start(dir: string, boot: boolean): Promise<number> {
  const begin = performance.now();
  const options = { dir, name: 'bench', cache: CACHE, release: 'bookworm', boot } as const;
  const host = await startKvmHost({ ...options, endsWithCaller: true });
  const seconds = (performance.now() - begin) / 1000;
  await host.stop();
  return seconds;
}
