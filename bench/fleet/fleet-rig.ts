import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { record } from './recording.ts';
import type { FleetSize, VmNumber } from './replay.ts';
import type { Order, Word } from './replaying-hosts.ts';
import { ServerProcess } from './server-process.ts';

const HOSTS = fileURLToPath(new URL('replaying-hosts.ts', import.meta.url));
/** Hosts are added side by side, this many at a time. */
const ADDED_AT_ONCE = 8;
const LOOK_MS = 500;
const FULL_MS_MAX = 600_000;

/** Many recorded hosts, and a home for servers of them in whose store they are. */
export class FleetRig implements AsyncDisposable {
  readonly size: FleetSize;
  readonly home: string;
  readonly #folder: string;
  readonly #hosts: ChildProcess;

  private constructor(size: FleetSize, folder: string, hosts: ChildProcess) {
    this.size = size;
    this.home = join(folder, 'home');
    this.#folder = folder;
    this.#hosts = hosts;
  }

  /** Records a host, starts many like it, and lets a server take them in, which then ends. */
  static async start(size: FleetSize, tell: (line: string) => void): Promise<FleetRig> {
    const recording = await record(tell);
    const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'));
    const file = join(folder, 'recording.json');
    await writeFile(file, JSON.stringify(recording));
    const sockets = join(folder, 's');
    await mkdir(sockets);
    const hosts = fork(HOSTS, [file, sockets, `${size.hosts}`, `${size.vms}`]);
    await once(hosts, 'message');
    const rig = new FleetRig(size, folder, hosts);
    tell(`${size.hosts} hosts are added`);
    await using server = await ServerProcess.start(rig.home);
    await server.client.ready(FULL_MS_MAX);
    await addHosts(server, sockets, size.hosts);
    await rig.untilFull(server);
    return rig;
  }

  /** Waits until a server knows every VM of every host. @returns how long that took, in ms. */
  async untilFull(server: ServerProcess): Promise<number> {
    const since = performance.now();
    await server.client.ready(FULL_MS_MAX);
    while (performance.now() - since < FULL_MS_MAX) {
      const hosts = await server.client.hosts();
      const connected = hosts.filter(({ state }) => state === 'connected');
      const vms = connected.reduce((sum, host) => sum + host.vms, 0);
      if (vms >= this.size.hosts * this.size.vms) return performance.now() - since;
      await sleep(LOOK_MS);
    }
    throw new Error(`not every VM was known after ${FULL_MS_MAX / 1000} s`);
  }

  /** Pauses a VM, or lets it go on. @returns when its host told of it, in monotonic ms. */
  async toggle(vm: VmNumber): Promise<number> {
    const word = await this.#ask(vm);
    if (typeof word === 'object' && 'sentAt' in word) return word.sentAt;
    throw new Error('the hosts answered out of turn');
  }

  /** Numbers of calls that the server made and nobody had recorded. */
  async unknownCalls(): Promise<readonly number[]> {
    const word = await this.#ask('unknown');
    return typeof word === 'object' && 'unknown' in word ? word.unknown : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#hosts, 'exit');
    this.#hosts.disconnect();
    await ended;
    await rm(this.#folder, { recursive: true });
  }

  async #ask(order: Order): Promise<Word> {
    const answer = once(this.#hosts, 'message') as Promise<[Word]>;
    this.#hosts.send(order);
    const [word] = await answer;
    return word;
  }
}

async function addHosts(server: ServerProcess, sockets: string, count: number): Promise<void> {
  const left = Array.from({ length: count }, (_, index) => index);
  const addNext = async (): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const uri = `qemu+unix:///system?socket=${join(sockets, `${index}.sock`)}`;
      await server.client.addHost({ name: `h${index}`, uri });
    }
  };
  await Promise.all(Array.from({ length: ADDED_AT_ONCE }, addNext));
}
