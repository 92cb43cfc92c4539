import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';
import { FrameType, Program } from '../../src/libvirt/rpc/frame.ts';
import type { Frame } from '../../src/libvirt/rpc/frame.ts';
import { startLabHost } from '../../test/lab/lab-host.ts';
import { relay, socketOf } from '../../test/server/relay.ts';
import type { Pass, Way } from '../../test/server/relay.ts';
import { done, tinyVm } from '../../test/server/rig.ts';
import { ServerProcess } from './server-process.ts';

/** What a real libvirtd answered a real server, with one VM of Berth's on it. */
export interface Recording {
  readonly answers: readonly Answer[];
  readonly vm: RecordedVm;
  readonly hostUuid: string;
}

/** A call's arguments and its reply, as they stood on the wire; base64. */
export interface Answer {
  readonly procedure: number;
  readonly program: number;
  readonly args: string;
  readonly status: number;
  readonly reply: string;
}

export interface RecordedVm {
  readonly name: string;
  readonly uuid: string;
}

/** As long as every name of the fleet that is made of it, so that one can stand for the other. */
const VM_NAME = 'vm-0000-0000';
const READY_MS = 30_000;
/** What a server asks for now and then is asked within this time. */
const LISTENED_MS = 15_000;

/**
 * Records what a server asks a real libvirtd for from its start on, and what it is answered: a host
 * with one running VM that has a disk, labels and everything else that Berth writes.
 */
export async function record(tell: (line: string) => void): Promise<Recording> {
  const lab = await startLabHost('bench');
  const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  const home = join(folder, 'home');
  const socket = join(folder, 'relay');
  const tape = new Tape();
  const relayed = await relay(socketOf(lab.uri), socket, tape.pass);
  try {
    tell('a real libvirtd is recorded');
    {
      await using server = await ServerProcess.start(home);
      await server.client.ready(READY_MS);
      await server.client.addHost({ name: 'h1', uri: `qemu+unix:///system?socket=${socket}` });
      const vm = tinyVm(lab, VM_NAME, {
        cpu: { count: 2 },
        disks: [{ name: 'root', size: '64MiB' }],
      });
      const labels = { app: 'web', team: 'team-0' };
      const document = { ...vm, metadata: { ...vm.metadata, labels } };
      await done(server.client, await server.client.createVm(document, { start: true }));
    }
    tape.clear();
    const uuid = await listen(home);
    return { answers: tape.answers, vm: { name: VM_NAME, uuid }, hostUuid: hostUuidIn(tape) };
  } finally {
    await relayed.cut();
    await lab.host.stop();
    await rm(folder, { recursive: true });
  }
}

/** Lets a server run on what there is, from its start to its end. @returns the UUID of the VM. */
async function listen(home: string): Promise<string> {
  await using server = await ServerProcess.start(home);
  await server.client.ready(READY_MS);
  const { uuid } = await server.client.vm(VM_NAME);
  await server.client.host('h1');
  await sleep(LISTENED_MS);
  return uuid;
}

/** libvirt's UUID of the host stands in the capabilities, first of all. */
function hostUuidIn({ answers }: Tape): string {
  for (const { reply } of answers) {
    const found = /<host>\s*<uuid>([0-9a-f-]{36})</.exec(Buffer.from(reply, 'base64').toString());
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error('no capabilities were recorded');
}

/** Keeps the last answer to every call that differs. */
class Tape {
  readonly #answers = new Map<string, Answer>();
  readonly #calls = new Map<string, Frame>();

  readonly pass: Pass = (from, to, way) => {
    const splitter = new FrameSplitter('the recording');
    from.on('data', (chunk: Buffer) => {
      splitter.push(chunk, (frame) => this.#take(frame, way));
    });
    from.pipe(to);
  };

  get answers(): readonly Answer[] {
    return [...this.#answers.values()];
  }

  clear(): void {
    this.#answers.clear();
  }

  #take(frame: Frame, { to, connection }: Way): void {
    if (frame.program === Program.keepalive) return;
    const id = `${connection}/${frame.serial}`;
    if (to === 'daemon' && frame.type === FrameType.call) {
      this.#calls.set(id, { ...frame, payload: Buffer.from(frame.payload) });
    }
    const call = this.#calls.get(id);
    if (to !== 'client' || frame.type !== FrameType.reply || call === undefined) return;
    this.#calls.delete(id);
    const { program, procedure } = call;
    const args = call.payload.toString('base64');
    const reply = Buffer.from(frame.payload).toString('base64');
    const answer = { program, procedure, args, status: frame.status, reply };
    this.#answers.set(`${program}/${procedure}/${args}`, answer);
  }
}
