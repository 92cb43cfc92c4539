import { berthError } from '../../base/errors.ts';
import type { LibvirtUri } from '../uri.ts';
import { hostOf } from './dial-tcp.ts';
import { isSwitchedOn } from './switched-on.ts';

/** The program that is run unless `command=` names another. */
const SSH = 'ssh';

/**
 * What holds whatever the user's configuration says. Nobody is there to be asked, the stream must
 * reach the far side as it is, and the reason of a failure must be told. After each 15 s of silence
 * the far side is asked for a sign of life; ServerAliveCountMax questions without one end it.
 */
const ALWAYS: readonly string[] = [
  '-T',
  '-a',
  '-x',
  '-e',
  'none',
  ...option('BatchMode', 'yes'),
  ...option('RemoteCommand', 'none'),
  ...option('LogLevel', 'INFO'),
  ...option('ServerAliveInterval', '15'),
];

/** How ssh is told to know hosts, by libvirt's words for it. */
const KNOWING: ReadonlyMap<string, readonly string[]> = new Map([
  ['normal', option('StrictHostKeyChecking', 'yes')],
  ['auto', option('StrictHostKeyChecking', 'accept-new')],
  ['ignore', option('StrictHostKeyChecking', 'no')],
]);

/** Ways to prove who one is that need nobody to be asked, and those that do. */
const SILENT: ReadonlySet<string> = new Set(['agent', 'privkey']);
const ASKING: ReadonlySet<string> = new Set(['password', 'keyboard-interactive']);

/** The program that enters a host, and its options up to the host's name. */
export interface SshProgram {
  readonly program: string;
  readonly options: readonly string[];
  readonly host: string;
}

/**
 * What a URI says of SSH. It is the user's own ssh: configuration, agent, known hosts and jumps are
 * theirs, and parameters only add to them. libvirt itself heeds `known_hosts`, `known_hosts_verify`
 * and `sshauth` with libssh alone (9.0, remote_driver.c); here they mean the same with ssh.
 * @throws BERTH_URI_INVALID; BERTH_UNSUPPORTED for a way to log in that needs somebody to be asked.
 */
export function sshProgram(uri: LibvirtUri): SshProgram {
  const host = hostOf(uri);
  refuseDash(uri, 'host', host);
  if (uri.user !== undefined) refuseDash(uri, 'user', uri.user);
  return {
    program: parameter(uri, 'command') ?? SSH,
    options: [
      ...ALWAYS,
      ...(uri.port === undefined ? [] : ['-p', `${uri.port}`]),
      ...(uri.user === undefined ? [] : ['-l', uri.user]),
      ...identity(uri),
      ...knownHosts(uri),
      ...authentication(uri),
    ],
    host,
  };
}

/** A parameter that says something. */
export function parameter({ transportParameters }: LibvirtUri, name: string): string | undefined {
  const value = transportParameters.get(name);
  return value === '' ? undefined : value;
}

/** A path as a value of ssh_config(5): one word, of which nothing is expanded. @throws BERTH_URI_INVALID. */
export function sshPath(uri: LibvirtUri, path: string): string {
  if (path.includes('${')) {
    throw invalid(uri, `ssh would take "\${" in the path "${path}" for a variable`);
  }
  return `"${path.replaceAll('%', '%%').replaceAll(/["\\]/g, '\\$&')}"`;
}

function option(name: string, value: string): readonly string[] {
  return ['-o', `${name}=${value}`];
}

/** An option could hide in such a name, here or in what the user's configuration makes of it. */
function refuseDash(uri: LibvirtUri, what: string, name: string): void {
  if (name.startsWith('-')) throw invalid(uri, `a ${what} cannot begin with "-"`);
}

/** The key that is named and no other: an agent full of keys would use up all attempts before it. */
function identity(uri: LibvirtUri): readonly string[] {
  const keyfile = parameter(uri, 'keyfile');
  if (keyfile === undefined || !isAllowed(uri, 'privkey')) return [];
  return [...option('IdentityFile', sshPath(uri, keyfile)), ...option('IdentitiesOnly', 'yes')];
}

/** Hosts that are not verified are not remembered either. */
function knownHosts(uri: LibvirtUri): readonly string[] {
  const file = parameter(uri, 'known_hosts');
  const verify = isSwitchedOn(uri, 'no_verify') ? 'ignore' : parameter(uri, 'known_hosts_verify');
  const known = verify === undefined ? [] : KNOWING.get(verify);
  if (known === undefined) {
    const problem = `known_hosts_verify "${verify}" is not one of ${[...KNOWING.keys()].join(', ')}`;
    throw invalid(uri, problem);
  }
  if (file !== undefined) return [...option('UserKnownHostsFile', sshPath(uri, file)), ...known];
  return verify === 'ignore' ? [...option('UserKnownHostsFile', '/dev/null'), ...known] : known;
}

function authentication(uri: LibvirtUri): readonly string[] {
  const given = parameter(uri, 'sshauth');
  if (given === undefined) return [];
  const ways = given.split(',');
  const odd = ways.find((way) => !SILENT.has(way) && !ASKING.has(way));
  if (odd !== undefined) {
    const known = [...SILENT, ...ASKING].join(', ');
    throw invalid(uri, `sshauth "${odd}" is not one of ${known}`);
  }
  if (!ways.some((way) => SILENT.has(way))) {
    throw berthError('BERTH_UNSUPPORTED', {
      what: `logging in with sshauth=${given}`,
      why: 'nobody is there to be asked for a password; use a key (sshauth=privkey or agent)',
    });
  }
  return [
    ...option('PreferredAuthentications', 'publickey'),
    ...(isAllowed(uri, 'agent') ? [] : option('IdentityAgent', 'none')),
    ...(isAllowed(uri, 'privkey') ? [] : option('IdentityFile', 'none')),
  ];
}

function isAllowed(uri: LibvirtUri, way: string): boolean {
  return parameter(uri, 'sshauth')?.split(',').includes(way) ?? true;
}

function invalid(uri: LibvirtUri, problem: string): Error {
  return berthError('BERTH_URI_INVALID', { uri: uri.text, problem });
}
