import type { Duplex } from 'node:stream';
import type { Connection } from '../connection.ts';
import { DomainConsoleFlag } from '../flags/domain-flags.ts';
import { domainOpenConsole } from '../procedures/domain-stream.ts';
import type { Domain } from '../procedures/objects.ts';
import type { Wait } from '../rpc/wait.ts';

/** Which console is opened, and how. */
export interface ConsoleRequest {
  readonly dom: Domain;
  /** Alias of a serial, parallel or paravirtual console, such as `serial0`; the first one unless given. */
  readonly device?: string | undefined;
  /** Takes it over from whoever has it open. */
  readonly force?: boolean | undefined;
  /** Refuses unless libvirt can make sure that nobody else has it open. */
  readonly safe?: boolean | undefined;
}

/**
 * Opens a running domain's console: what is written goes to the guest as typed, what the guest
 * writes is read. A console has no size. Ending or destroying the stream closes it, and it is free
 * for others when `close` is emitted.
 * @throws LibvirtError, with code 9 where somebody has it open already; else like
 * `Connection.openStream`.
 */
export async function openConsole(
  connection: Pick<Connection, 'openStream'>,
  { dom, device, force = false, safe = false }: ConsoleRequest,
  wait: Wait,
): Promise<Duplex> {
  const flags = (force ? DomainConsoleFlag.force : 0) | (safe ? DomainConsoleFlag.safe : 0);
  const args = { dom, devName: device, flags };
  return (await connection.openStream(domainOpenConsole, args, wait)).stream;
}
