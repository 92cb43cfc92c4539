import { berthError } from '../../base/errors.ts';
import { openedBy, refuseProgram, wayParameters } from '../../host/host-link.ts';
import { OWNER } from './caller.ts';
import type { Caller } from './caller.ts';

/**
 * Parameters of a URI that touch nothing of the server's machine. All others name files or sockets
 * there (`keyfile`, `pkipath`, `known_hosts`, `socket`), programs on the far side (`netcat`), or turn
 * off the checks of who answers (`no_verify`, `known_hosts_verify`, `tls_priority`).
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'mode',
  'proxy',
  'no_tty',
  'no_autostart',
  'sshauth',
]);

/**
 * What a daemon may be asked to open: the hypervisors of its machine. Other drivers read files there,
 * as `test:///path` does, or go on to other machines; the QEMU driver takes a folder as `root=`.
 */
const OPENED = /^qemu:\/\/\/(?:system|session)$/;

/**
 * Refuses a URI that would lend its caller more of the server's machine than adding hosts is about.
 * A program is never run for a URI. The owner of the socket can use the server's files without Berth,
 * so may name them; who comes with a token uses what the server's user has set up for SSH and TLS.
 * @throws BERTH_URI_INVALID, BERTH_FORBIDDEN
 */
export function refuseUri(caller: Caller, uri: string): void {
  refuseProgram(uri);
  if (caller === OWNER) return;
  const refused = wayParameters(uri).filter((name) => !HARMLESS.has(name));
  if (refused.length === 0) {
    mustOpenHypervisor(caller, uri);
    return;
  }
  throw berthError('BERTH_FORBIDDEN', {
    actor: caller.actor,
    what: `add a host by a URI with ${refused.map((name) => `${name}=`).join(', ')}`,
    reason:
      'that uses files of the server or turns off checks, which is for the owner of its socket',
  });
}

function mustOpenHypervisor({ actor }: Caller, uri: string): void {
  if (OPENED.test(openedBy(uri))) return;
  throw berthError('BERTH_FORBIDDEN', {
    actor,
    what: 'add a host by a URI of another kind than qemu:///system and qemu:///session',
    reason: 'others read files of their machine, which is for the owner of the socket',
  });
}
