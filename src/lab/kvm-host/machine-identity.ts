import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { NetworkPlace } from '../private-host/network-place.ts';
import { knownHostsIn } from './kvm-host-folder.ts';
import type { AgentChannel } from './agent-channel.ts';
import { addressOf, MANAGEMENT } from './machine-process.ts';
import { scriptPath } from './saved-machine.ts';

const IDENTIFY_DEADLINE_MS = 120_000;

/** Paths of private keys, next to each of which lies its public half, `.pub`. */
export interface MachineKeys {
  /** Of those who may enter the machine, as root. */
  readonly identity: string;
  /** Of the machine. */
  readonly hostKey: string;
}

/** What a machine is to be told of itself. */
export interface MachineIdentity {
  readonly dir: string;
  readonly name: string;
  readonly place?: NetworkPlace & { readonly gateway: string };
}

/**
 * Makes a machine one of its own, through its agent, and starts the services that need to know.
 * Known_hosts in the host's folder then tells that it may be entered.
 */
export async function identifyMachine(
  agent: AgentChannel,
  keys: MachineKeys,
  { dir, name, place }: MachineIdentity,
  signal: AbortSignal,
): Promise<void> {
  const script = await readFile(scriptPath('identify.sh'), 'utf8');
  const authorized = (await readFile(`${keys.identity}.pub`, 'utf8')).trim();
  const hosts =
    place === undefined ? `127.0.0.1 localhost ${name}` : await readFile(place.hosts, 'utf8');
  const args = [
    name,
    uuidOf(dir),
    macOf(dir),
    place?.address ?? '',
    place?.gateway ?? '',
    `${Date.now() / 1000}`,
    authorized,
    hosts.trim(),
    MANAGEMENT.machines,
  ];
  await agent.runScript(script, args, {
    deadlineMs: IDENTIFY_DEADLINE_MS,
    what: `giving ${name} its identity`,
    input: await readFile(keys.hostKey, 'utf8'),
    signal,
  });
  await writeKnownHosts(dir, keys, place);
}

/** libvirt's UUID of the host: always the same for a folder, and no other's on this machine. */
export function uuidOf(dir: string): string {
  const bytes = createHash('sha256').update(`host ${dir}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6); // version 8: made by a rule of one's own
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8); // variant of RFC 9562
  const digits = bytes.toString('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The MAC address on the lab's network: QEMU's prefix, and a number from the folder. */
export function macOf(dir: string): string {
  const bytes = createHash('sha256').update(`nic ${dir}`).digest().subarray(0, 3);
  return ['52', '54', '00', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(
    ':',
  );
}

/** In the folder's `run`, whole or not at all: whoever waits for it uses it at once. */
async function writeKnownHosts(
  dir: string,
  { hostKey }: MachineKeys,
  place: NetworkPlace | undefined,
): Promise<void> {
  const [type = '', text = ''] = (await readFile(`${hostKey}.pub`, 'utf8')).split(' ');
  const addresses = [MANAGEMENT.machines, ...(place === undefined ? [] : [place.address])];
  const path = knownHostsIn(dir);
  const line = `${addresses.map(addressOf).join(',')} ${type} ${text.trim()}\n`;
  await writeFile(`${path}.new`, line, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
