import { berthError, isBerthError } from '../base/errors.ts';
import {
  connect,
  connectGetHostname,
  isLibvirtError,
  parseUri,
  socketCandidates,
} from '../libvirt/index.ts';
import type { CallProcedure, Closure, Connection, Environment, Wait } from '../libvirt/index.ts';
import { localWay } from './file-view.ts';
import type { FileView, LocalWay } from './file-view.ts';

export type { Environment, Wait };

/** Milliseconds for the good-bye of a link that is let go of. */
const DISPOSE_MS = 1000;

/** libvirt's own test driver: its hosts are made up, and no files of a machine are theirs. */
export const PRETENDING = 'test';

/** Which host, and from where it is looked at. */
export interface HostAddress {
  readonly name: string;
  readonly uri: string;
  readonly environment: Environment;
}

/**
 * The way in to one host: a libvirt connection, and its files where it is this machine. Failures
 * come out named: BERTH_HOST_UNREACHABLE with the host's name, BERTH_LIBVIRT_REFUSED with libvirt's
 * own code and text.
 */
export class HostLink implements AsyncDisposable {
  readonly name: string;
  readonly uri: string;
  /** Files of a host on this machine; undefined where libvirt alone tells of it. */
  readonly files: FileView | undefined;
  /** The socket on this machine that leads to the daemon, wherever that is; undefined without one. */
  readonly socket: string | undefined;
  readonly connection: Connection;

  private constructor(address: HostAddress, connection: Connection, local: LocalWay) {
    this.name = address.name;
    this.uri = address.uri;
    this.connection = connection;
    this.socket = local.socket;
    this.files = local.files;
  }

  /** @throws BERTH_URI_INVALID, BERTH_UNSUPPORTED, BERTH_PERMISSION, BERTH_HOST_UNREACHABLE */
  static async open(address: HostAddress, wait: Wait): Promise<HostLink> {
    try {
      const connection = await connect(address.uri, { environment: address.environment }, wait);
      return await HostLink.over(address, connection, wait);
    } catch (error) {
      throw unreachable(address, error);
    }
  }

  /** The way in over a connection that is there. @throws what a call fails with, uncoded. */
  static async over(address: HostAddress, connection: Connection, wait: Wait): Promise<HostLink> {
    const uri = parseUri(address.uri);
    const isUnix = uri.transport === 'unix';
    const sockets = isUnix ? socketCandidates(uri, address.environment, false) : [];
    const hostname = async (): Promise<string> =>
      (await connection.call(connectGetHostname, {}, wait)).hostname;
    const { socket, files } = await localWay(sockets, hostname);
    const isReal = uri.driver !== PRETENDING;
    return new HostLink(address, connection, { socket, files: isReal ? files : undefined });
  }

  /** Settles when the connection has ended. */
  get closed(): Promise<Closure> {
    return this.connection.closed;
  }

  /** Makes a call; every failure is coded and names the host. */
  async call<A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>, wait: Wait): Promise<R> {
    try {
      return await this.connection.call(procedure, args, wait);
    } catch (error) {
      throw codedFailure(this, error);
    }
  }

  async close(wait: Wait): Promise<void> {
    await this.connection.close(wait);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ deadlineMs: DISPOSE_MS });
  }
}

/**
 * Refuses a URI that names a program to be run on this machine: whoever may add hosts must not
 * thereby run programs as this process's user.
 * @throws BERTH_URI_INVALID, also for what is no URI of libvirt.
 */
export function refuseProgram(uri: string): void {
  if (!parseUri(uri).transportParameters.has('command')) return;
  const problem = 'command= would run a program on the machine of the server';
  throw berthError('BERTH_URI_INVALID', { uri, problem });
}

/**
 * The parameters of a URI that are for the way in, not for the daemon: `keyfile`, `socket` and such.
 * @throws BERTH_URI_INVALID
 */
export function wayParameters(uri: string): readonly string[] {
  return [...parseUri(uri).transportParameters.keys()];
}

/** What the daemon behind a URI is asked to open: `qemu:///system`. @throws BERTH_URI_INVALID */
export function openedBy(uri: string): string {
  return parseUri(uri).name;
}

/** libvirt's own error number behind a failure of `HostLink.call`; undefined for any other failure. */
export function libvirtCodeOf(error: unknown): number | undefined {
  return isBerthError(error, 'BERTH_LIBVIRT_REFUSED') ? error.data.code : undefined;
}

/** libvirt's answer to a call, or undefined where it gives an error instead. */
export async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (libvirtCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** A failure of a host's connection as a coded error that names the host. */
export function codedFailure(link: HostLink, error: unknown): unknown {
  if (isLibvirtError(error)) {
    const { code, domain, message, procedure } = error;
    return berthError(
      'BERTH_LIBVIRT_REFUSED',
      { procedure, code, domain, message },
      { cause: error },
    );
  }
  return isBerthError(error, 'BERTH_CONNECTION_CLOSED') ? unreachable(link, error) : error;
}

/** A failure to reach a host, coded so that it names the host. */
export function unreachable(host: { name: string; uri: string }, error: unknown): unknown {
  if (isBerthError(error) && PASSED_ON.has(error.code)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const data = { host: host.name, uri: host.uri, reason };
  return berthError('BERTH_HOST_UNREACHABLE', data, { cause: error });
}

/** Failures to connect that say more than "unreachable" and will not go away by waiting. */
const PASSED_ON = new Set([
  'BERTH_URI_INVALID',
  'BERTH_UNSUPPORTED',
  'BERTH_PERMISSION',
  'BERTH_TOO_LARGE',
  'BERTH_INTERRUPTED',
  'BERTH_HOST_NAME',
  'BERTH_HOST_KEY',
  'BERTH_CERTIFICATE',
  'BERTH_NO_WAY_IN',
  'BERTH_PACKAGES_NEEDED',
  'BERTH_PROTOCOL',
]);
