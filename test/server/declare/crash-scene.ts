import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { OperationView } from '../../../src/api/resources.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { labHost } from '../../lab/lab-host.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { CrashingServer } from '../crashing-server.ts';
import { done, tinyVm } from '../rig.ts';

const NAME = 'steps';

/** How a VM is on its host, all of it. */
interface Whole {
  readonly definition: string;
  readonly volumes: readonly string[];
  readonly dedicated: readonly number[];
}

/** A VM that is changed to and fro under a server that is killed meanwhile. */
export class CrashScene implements AsyncDisposable {
  readonly server: CrashingServer;
  /** One vCPU and one disk; and two of each. */
  readonly small: VmDocument;
  readonly large: VmDocument;
  readonly #lab: LabHost;
  readonly #isRunning: boolean;
  /** What the VM is by each of them. */
  readonly #whole = new Map<VmDocument, Whole>();

  private constructor(server: CrashingServer, lab: LabHost, isRunning: boolean) {
    this.server = server;
    this.#lab = lab;
    this.#isRunning = isRunning;
    this.small = sized(lab, 1, ['root']);
    this.large = sized(lab, 2, ['root', 'data']);
  }

  static async open({ isRunning }: { readonly isRunning: boolean }): Promise<CrashScene> {
    const lab = await labHost();
    const server = await CrashingServer.start();
    const { client } = server;
    const scene = new CrashScene(server, lab, isRunning);
    await client.addHost({ name: 'h1', uri: lab.uri });
    await done(client, await client.createVm(scene.small, { start: isRunning }));
    for (const document of [scene.large, scene.small]) {
      await done(client, await scene.change(document));
      scene.#whole.set(document, await scene.#look());
    }
    return scene;
  }

  /** Begins to make the VM as a document says; a guest that runs is stopped and started for it. */
  async change(document: VmDocument): Promise<OperationView> {
    const how = { restart: this.#isRunning, force: true };
    return this.server.client.updateVm(document, how);
  }

  /** The one that the VM is not. */
  other(document: VmDocument): VmDocument {
    return document === this.small ? this.large : this.small;
  }

  /**
   * Holds the VM against what it must be after a change from one document that was interrupted: the
   * other where it was done, that one where it was undone, and in either case whole.
   * @returns the document that it is by.
   */
  async ended(from: VmDocument, to: VmDocument, last: OperationView): Promise<VmDocument> {
    assert.ok(last.state === 'done' || last.state === 'undone', JSON.stringify(last));
    const is = last.state === 'done' ? to : from;
    assert.deepEqual(await this.#look(), this.#whole.get(is));
    const vm = await this.server.client.vm(NAME);
    assert.equal(vm.state, this.#isRunning ? 'running' : 'shutoff');
    assert.deepEqual(vm.drift ?? [], []);
    return is;
  }

  async #look(): Promise<Whole> {
    const { seats } = await this.server.client.host('h1');
    return {
      definition: this.#virsh('dumpxml', '--inactive', NAME),
      volumes: this.#volumes(),
      dedicated: seats.flatMap((seat) => (seat.vm === NAME ? seat.dedicated : [])),
    };
  }

  #volumes(): readonly string[] {
    const lines = this.#virsh('vol-list', 'default').split('\n');
    return lines.flatMap((line) => /^ (steps\.\S+)/.exec(line)?.[1] ?? []);
  }

  #virsh(...words: readonly string[]): string {
    return execFileSync('virsh', ['-c', this.#lab.uri, ...words]).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      assert.deepEqual(await this.server.claimsAtEnd(), []);
    } finally {
      if (this.#isRunning) this.#virsh('destroy', NAME);
      this.#virsh('undefine', NAME);
      for (const volume of this.#volumes()) this.#virsh('vol-delete', volume, 'default');
      await this.server[Symbol.asyncDispose]();
    }
  }
}

function sized(lab: LabHost, vcpus: number, disks: readonly string[]): VmDocument {
  return tinyVm(lab, NAME, {
    cpu: { count: vcpus, policy: 'dedicated' },
    memory: { size: '64MiB' },
    disks: disks.map((name) => ({ name, size: '4MiB' })),
  });
}
