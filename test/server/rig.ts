import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../src/api/client.ts';
import type { OperationView } from '../../src/api/resources.ts';
import type { VmDocument } from '../../src/api/vm-spec.ts';
import { serve } from '../../src/server/serve.ts';
import { labHost } from '../lab/lab-host.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { quietPorts } from './quiet-ports.ts';

/** A server in this process over a real libvirtd, with a client. */
export interface Rig extends AsyncDisposable {
  readonly client: Client;
  readonly lab: LabHost;
  readonly home: string;
  /** The server's socket. */
  readonly socket: string;
  /** Ends the server and starts another one on the same state; `meanwhile` none runs. */
  restart(meanwhile?: (home: string) => Promise<void>): Promise<void>;
}

const ENVIRONMENT = { uid: 0 };

/** Starts a server with the lab's host registered as `h1`. */
export async function startRig(options: { readonly uri?: string } = {}): Promise<Rig> {
  const lab = await labHost();
  const home = await mkdtemp(join(tmpdir(), 'berth-rig-'));
  await mkdir(join(home, 'run'));
  const socket = join(home, 'run', 'api.sock');
  const client = new Client({ socket });
  let server = run(home, socket);
  await client.ready(10_000);
  await client.addHost({ name: 'h1', uri: options.uri ?? lab.uri });
  const stop = async (): Promise<void> => {
    server.stop.abort();
    await server.ended;
  };
  return {
    client,
    lab,
    home,
    socket,
    restart: async (meanwhile) => {
      await stop();
      await meanwhile?.(home);
      server = run(home, socket);
      await client.ready(10_000);
    },
    [Symbol.asyncDispose]: async () => {
      for (const vm of await client.vms()) {
        if (vm.managed) await done(client, await client.removeVm(vm.name, { force: true }));
      }
      await stop();
      await rm(home, { recursive: true });
    },
  };
}

/** Waits for an operation and fails with its own error unless it is done. */
export async function done(client: Client, operation: OperationView): Promise<OperationView> {
  const last = await client.wait(operation, () => {});
  if (last.state !== 'done') throw new Error(`${last.state}: ${last.error?.detail}`);
  return last;
}

/** A VM that boots the tiny guest, with whatever else a test wants of its spec. */
export function tinyVm(
  lab: LabHost,
  name: string,
  spec: Partial<VmDocument['spec']> = {},
): VmDocument {
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name },
    spec: {
      memory: { size: '128MiB' },
      boot: {
        kernel: lab.image.kernel,
        initrd: lab.image.initrd,
        cmdline: `console=ttyS0 quiet berth.hostname=${name}`,
      },
      ...spec,
    },
  };
}

/** Waits for something that must come about, and says what when it does not. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await holds()) return;
    await sleep(50);
  }
  assert.fail(`${what} did not come about`);
}

function run(home: string, socket: string) {
  const stop = new AbortController();
  const options = { home, socket, version: 'test', pid: process.pid, environment: ENVIRONMENT };
  return { stop, ended: serve(options, quietPorts(), stop.signal) };
}
