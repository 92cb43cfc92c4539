import type { Duplex } from 'node:stream';
import { berthError, type BerthError } from '../../base/errors.ts';
import {
  connect,
  connectListAllDomains,
  domainLookupByName,
  ErrorCode,
  isLibvirtError,
  openConsole,
  type Connection,
  type Wait,
} from '../../libvirt/index.ts';
import { attachGuestShell, type GuestShell } from './guest-shell.ts';

export interface GuestShellOptions {
  /** The host's libvirt. */
  readonly uri: string;
  /** The guest's name. */
  readonly guest: string;
  /** True takes the console from whoever has it open. */
  readonly force?: boolean;
}

/**
 * Opens a shell on the first serial console of a guest that runs, on a connection of its own that
 * ends with the shell. The wait includes the guest's boot.
 * @throws BERTH_NOT_FOUND, BERTH_CONFLICT when the guest does not run, BERTH_BUSY when somebody has
 *   the console open and `force` is not given; as `attachGuestShell`; as `connect` of libvirt.
 */
export async function openGuestShell(options: GuestShellOptions, wait: Wait): Promise<GuestShell> {
  const begun = performance.now();
  const connection = await connect(options.uri, {}, wait);
  const close = (): void => void connection.close({ deadlineMs: 1000 }).catch(() => undefined);
  try {
    const console = await openGuestConsole(connection, options, wait);
    console.once('close', close);
    const deadlineMs = Math.max(1, wait.deadlineMs - Math.round(performance.now() - begun));
    const rest = { signal: wait.signal, deadlineMs };
    const interrupt = options.force === true;
    return await attachGuestShell(console, options.guest, rest, { interrupt });
  } catch (error) {
    close();
    throw error;
  }
}

async function openGuestConsole(
  connection: Connection,
  { guest, force }: GuestShellOptions,
  wait: Wait,
): Promise<Duplex> {
  try {
    const { dom } = await connection.call(domainLookupByName, { name: guest }, wait);
    return await openConsole(connection, { dom, force }, wait);
  } catch (error) {
    throw isLibvirtError(error, ErrorCode.noDomain)
      ? await noGuest(connection, guest, wait, error)
      : coded(error, guest);
  }
}

/** libvirt's numbers for what can be done something about (virDomainOpenConsole, libvirt 9.0). */
function coded(error: unknown, guest: string): unknown {
  const what = `the console of ${guest}`;
  const options = { cause: error };
  if (isLibvirtError(error, ErrorCode.operationInvalid)) {
    const remedy = `start it: virsh start ${guest}`;
    return berthError('BERTH_CONFLICT', { what, why: 'the guest does not run', remedy }, options);
  }
  if (isLibvirtError(error, ErrorCode.operationFailed)) {
    return berthError('BERTH_BUSY', { what, holder: 'somebody has it open' }, options);
  }
  return error;
}

async function noGuest(
  connection: Connection,
  name: string,
  wait: Wait,
  cause: unknown,
): Promise<BerthError> {
  const { domains } = await connection.call(connectListAllDomains, {}, wait);
  const known = domains.map((domain) => domain.name);
  return berthError('BERTH_NOT_FOUND', { kind: 'guest', name, known }, { cause });
}
