import { FrameStatus, FrameType, Program, encodeHeader } from '../../src/libvirt/rpc/frame.ts';
import type { Frame } from '../../src/libvirt/rpc/frame.ts';
import type { Recording } from './recording.ts';

/** How many hosts a fleet has, and how many VMs each of them. */
export interface FleetSize {
  readonly hosts: number;
  readonly vms: number;
}

/** A VM of the fleet: the number of its host and its own there, from 0. */
export interface VmNumber {
  readonly host: number;
  readonly index: number;
}

/** One VM in so many carries another label than the one that was recorded. */
export const WANTED_EVERY = 20;
export const WANTED_LABEL = 'app=dbs';
const RECORDED_LABEL = '"app":"web"';

const Procedure = {
  domainGetState: 212,
  connectListAllDomains: 273,
  eventRegisterAny: 316,
  eventLifecycle: 318,
  connectGetAllDomainStats: 344,
} as const;
/** Replies that list domains: what stands behind the list. */
const LISTS: ReadonlyMap<number, 'count' | 'nothing'> = new Map([
  [Procedure.connectListAllDomains, 'count'],
  [Procedure.connectGetAllDomainStats, 'nothing'],
]);
/** virDomainState and virErrorNumber. */
const RUNNING = 1;
const PAUSED = 3;
const NO_SUPPORT = 3;
/** virDomainEventType. */
const SUSPENDED = 3;
const RESUMED = 4;

/** A UUID of the fleet: four bytes that no other has, and the number of the VM. */
const MARK = Buffer.from('be270000', 'hex');

/**
 * Answers calls as a recorded libvirtd did, with the host's own UUID and, in place of the one VM
 * that was there, many like it. Every answer is what the real one sent, but for names, UUIDs, a
 * label, and whether a VM is paused.
 */
export class Replay {
  /** Calls that were not recorded, by number: they are refused as unsupported. */
  readonly unknown = new Set<number>();
  readonly #size: FleetSize;
  readonly #answers = new Map<string, { readonly status: number; readonly reply: Buffer }>();
  readonly #vm: { readonly name: string; readonly uuid: string; readonly bytes: Buffer };
  readonly #hostUuid: string;
  readonly #paused = new Set<number>();
  readonly #lifecycle: number;

  constructor({ answers, vm, hostUuid }: Recording, size: FleetSize) {
    this.#size = size;
    this.#vm = { ...vm, bytes: uuidBytes(vm.uuid) };
    this.#hostUuid = hostUuid;
    let lifecycle = 0;
    for (const { program, procedure, args, status, reply } of answers) {
      const bytes = Buffer.from(args, 'base64');
      const said = Buffer.from(reply, 'base64');
      this.#answers.set(keyOf({ program, procedure, payload: bytes }), { status, reply: said });
      const isLifecycle = procedure === Procedure.eventRegisterAny && bytes.readInt32BE(0) === 0;
      if (isLifecycle) lifecycle = said.readInt32BE(0);
    }
    this.#lifecycle = lifecycle;
  }

  /** The reply to a call of one host, whole. */
  answer(host: number, call: Frame): Buffer {
    const { vm, payload } = this.#recordedArgs(call.payload);
    const { program, procedure } = call;
    const known = this.#answers.get(keyOf({ program, procedure, payload }));
    if (known === undefined) {
      this.unknown.add(procedure);
      return message({ ...call, type: FrameType.reply, status: FrameStatus.error }, noSupport());
    }
    const reply = this.#replyOf(host, procedure, known.reply, vm);
    return message({ ...call, type: FrameType.reply, status: known.status }, reply);
  }

  /** Pauses a VM, or lets a paused one go on. @returns the event that tells of it. */
  toggle(vm: VmNumber): Buffer {
    const id = this.#id(vm);
    const isPaused = !this.#paused.delete(id);
    if (isPaused) this.#paused.add(id);
    const name = Buffer.from(vmName(vm));
    const body = Buffer.alloc(4 + 4 + name.length + 16 + 4 + 4 + 4);
    body.writeInt32BE(this.#lifecycle, 0);
    body.writeUInt32BE(name.length, 4);
    name.copy(body, 8);
    this.#uuidOf(vm).copy(body, 8 + name.length);
    const after = 8 + name.length + 16;
    body.writeInt32BE(1, after);
    body.writeInt32BE(isPaused ? SUSPENDED : RESUMED, after + 4);
    const header = { program: Program.remote, procedure: Procedure.eventLifecycle, serial: 0 };
    return message({ ...header, type: FrameType.message, status: FrameStatus.ok }, body);
  }

  #replyOf(host: number, procedure: number, reply: Buffer, vm: number | undefined): Buffer {
    const behind = LISTS.get(procedure);
    if (behind !== undefined) return this.#listOf(host, reply, behind);
    if (vm === undefined) return this.#ofHost(host, reply);
    const own = this.#ofVm(reply, this.#numberOf(vm));
    if (procedure === Procedure.domainGetState) {
      own.writeInt32BE(this.#paused.has(vm) ? PAUSED : RUNNING, 0);
    }
    return own;
  }

  /** The one domain that was listed, as many times as there are. */
  #listOf(host: number, reply: Buffer, behind: 'count' | 'nothing'): Buffer {
    if (reply.readUInt32BE(0) !== 1) return reply;
    const item = reply.subarray(4, reply.length - (behind === 'count' ? 4 : 0));
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#size.vms);
    const items = Array.from({ length: this.#size.vms }, (_, index) =>
      this.#ofVm(item, { host, index }),
    );
    return Buffer.concat([count, ...items, ...(behind === 'count' ? [count] : [])]);
  }

  #ofHost(host: number, reply: Buffer): Buffer {
    return replaced(reply, [
      [this.#hostUuid, `${host}`.padStart(8, '0') + this.#hostUuid.slice(8)],
    ]);
  }

  #ofVm(reply: Buffer, vm: VmNumber): Buffer {
    const uuid = this.#uuidOf(vm);
    const isWanted = this.#id(vm) % WANTED_EVERY === 0;
    const own = replaced(reply, [
      [this.#vm.name, vmName(vm)],
      [this.#vm.uuid, uuidText(uuid)],
      ...(isWanted ? ([[RECORDED_LABEL, '"app":"dbs"']] as const) : []),
    ]);
    for (let at = own.indexOf(this.#vm.bytes); at !== -1; at = own.indexOf(this.#vm.bytes, at)) {
      uuid.copy(own, at);
    }
    return own;
  }

  /** The arguments as they were recorded, and the VM they name. */
  #recordedArgs(args: Buffer): { readonly vm?: number; readonly payload: Buffer } {
    const at = args.indexOf(MARK);
    if (at === -1) return { payload: args };
    const vm = args.readUInt32BE(at + 12);
    const payload = replaced(args, [[vmName(this.#numberOf(vm)), this.#vm.name]]);
    this.#vm.bytes.copy(payload, at);
    return { vm, payload };
  }

  #uuidOf(vm: VmNumber): Buffer {
    const uuid = Buffer.from(this.#vm.bytes);
    MARK.copy(uuid);
    uuid.writeUInt32BE(this.#id(vm), 12);
    return uuid;
  }

  #id({ host, index }: VmNumber): number {
    return host * this.#size.vms + index;
  }

  #numberOf(id: number): VmNumber {
    return { host: Math.floor(id / this.#size.vms), index: id % this.#size.vms };
  }
}

/** As long as the name that was recorded. */
export function vmName({ host, index }: VmNumber): string {
  return `vm-${`${host}`.padStart(4, '0')}-${`${index}`.padStart(4, '0')}`;
}

/** A copy in which each text has given way to another of the same length, wherever it stood. */
function replaced(bytes: Buffer, texts: readonly (readonly [from: string, to: string])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [from, to] of texts) {
    if (from === to) continue;
    for (let at = copy.indexOf(from); at !== -1; at = copy.indexOf(from, at + to.length)) {
      copy.write(to, at);
    }
  }
  return copy;
}

function keyOf({ program, procedure, payload }: Pick<Frame, 'program' | 'procedure' | 'payload'>) {
  return `${program}/${procedure}/${payload.toString('latin1')}`;
}

function message(header: Omit<Frame, 'payload'>, payload: Buffer): Buffer {
  return Buffer.concat([encodeHeader(header, payload.length), payload]);
}

/** An error as libvirt sends it: code, domain, no message, level, and nothing else. */
function noSupport(): Buffer {
  const words = [NO_SUPPORT, 0, 0, 2, 0, 0, 0, 0, -1, -1, 0];
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeInt32BE(word, index * 4);
  return bytes;
}

function uuidBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
