import type { Client } from '../api/client.ts';
import { isBerthError } from '../base/errors.ts';
import type { LabHostInfo } from '../lab/fleet/lab-info.ts';
import type { Joined } from './lab-host-view.ts';

type NamedHost = Pick<LabHostInfo, 'name' | 'uri'>;

/**
 * Adds hosts to the running server, one after the other; one that it has already stays as it is.
 * @throws BERTH_EXISTS when another host has that name, BERTH_SERVER_UNREACHABLE, and what adding
 *   a host throws.
 */
export async function addToServer(
  client: Client,
  hosts: readonly NamedHost[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Joined>> {
  const known = new Map((await client.hosts(signal)).map(({ name, uri }) => [name, uri]));
  const joined = new Map<string, Joined>();
  for (const { name, uri } of hosts) {
    await client.addHost({ name, uri }, signal);
    joined.set(name, known.get(name) === uri ? 'there already' : 'added');
  }
  return joined;
}

/**
 * Lets the server forget hosts that are gone, with all that it believes to be on them. One of the
 * same name and another URI is somebody else's. Without a server there is nothing to forget.
 * @returns the names of those that it knew.
 */
export async function takeOutOfServer(
  client: Client,
  gone: readonly NamedHost[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (gone.length === 0) return [];
  const uris = new Map(gone.map(({ name, uri }) => [name, uri]));
  const out: string[] = [];
  for (const { name, uri } of await hostsOf(client, signal)) {
    if (uris.get(name) !== uri) continue;
    await client.removeHost(name, { force: true }, signal);
    out.push(name);
  }
  return out;
}

async function hostsOf(client: Client, signal: AbortSignal): Promise<readonly NamedHost[]> {
  try {
    return await client.hosts(signal);
  } catch (error) {
    if (isBerthError(error, 'BERTH_SERVER_UNREACHABLE')) return [];
    throw error;
  }
}
