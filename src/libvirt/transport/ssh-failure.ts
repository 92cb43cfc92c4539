import { berthError, type BerthError } from '../../base/errors.ts';
import { FarStatus } from './far-side.ts';
import type { SshEnding } from './ssh-child.ts';

/** What ssh itself ends with when it fails (ssh(1)). */
export const SSH_FAILED = 255;
/** What shells end with when a command cannot be run, or is not found (POSIX, 2.8.2). */
const NOT_RUN: readonly unknown[] = [126, 127];
/** What a process is refused when this machine, or its own limits, give no more: files, processes, memory. */
const SCARCE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);
/** How many of the last lines of ssh's messages an error shows. */
const LINES_SHOWN = 4;

/** Which ssh failed, and at what. */
export interface SshAttempt {
  /** As it was given to ssh. */
  readonly host: string;
  readonly program: string;
}

/**
 * Why an ssh ended. ssh has one status for all its own failures, so its messages, which it has in
 * English only, tell those apart (OpenSSH 9.2; the same since 6).
 */
export function sshFailure(attempt: SshAttempt, ending: SshEnding, hasSpoken: boolean): BerthError {
  const { host } = attempt;
  if (ending.failure !== undefined) return cannotStart(attempt, ending.failure);
  if (ending.isStopped || (hasSpoken && ending.status === 0)) {
    return berthError('BERTH_CONNECTION_CLOSED', { where: host, reason: 'the daemon closed it' });
  }
  if (ending.status === SSH_FAILED) return ownFailure(host, ending.stderr);
  if (hasSpoken || ending.status === undefined) {
    const reason = withWords(`ssh ended (${statusOf(ending)})`, ending.stderr);
    return berthError('BERTH_CONNECTION_CLOSED', { where: host, reason });
  }
  return farFailure(host, ending);
}

function cannotStart({ host, program }: SshAttempt, failure: NodeJS.ErrnoException): BerthError {
  const cause = { cause: failure };
  if (failure.code === 'ENOENT') {
    const remedy = `install what brings the program "${program}" (Debian: openssh-client)`;
    return berthError('BERTH_PACKAGES_NEEDED', { packages: [program], remedy }, cause);
  }
  if (SCARCE.has(failure.code ?? '')) {
    const reason = `${program} cannot be started (${failure.code})`;
    const remedy =
      'raise the limits of this process (ulimit -n and -u; LimitNOFILE= and TasksMax= of a service), or close what is open';
    return berthError('BERTH_CONNECTION_CLOSED', { where: host, reason, remedy }, cause);
  }
  const remedy = 'name another program with command=, or let this user run it';
  const what = `running ${program}`;
  return berthError('BERTH_PERMISSION', { what, reason: failure.code ?? '', remedy }, cause);
}

function ownFailure(host: string, stderr: string): BerthError {
  const reason = withWords('ssh failed', stderr);
  if (/HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i.test(stderr)) {
    return berthError('BERTH_HOST_KEY', { host, fault: 'changed', reason });
  }
  if (stderr.includes('Host key verification failed')) {
    return berthError('BERTH_HOST_KEY', { host, fault: 'unknown', reason });
  }
  if (/Permission denied|Too many authentication failures/.test(stderr)) {
    const remedy = `let this user log in without being asked: ssh -o BatchMode=yes ${host} true; a key is named with keyfile=, another user before the @`;
    return berthError('BERTH_PERMISSION', { what: `logging in to ${host} by SSH`, reason, remedy });
  }
  if (stderr.includes('Could not resolve hostname')) {
    return berthError('BERTH_HOST_NAME', { host, reason });
  }
  const remedy = stderr.includes('Connection refused')
    ? 'see whether sshd runs there, and whether the URI has its port'
    : `see what this says: ssh -v ${host} true`;
  return berthError('BERTH_CONNECTION_CLOSED', { where: host, reason, remedy });
}

/** What the command on the far side ended with before the daemon had said anything. */
function farFailure(host: string, ending: SshEnding): BerthError {
  const { status, stderr } = ending;
  if (status === FarStatus.noPermission) {
    const remedy =
      'let that user join the group that owns the socket (often "libvirt"), or log in as another one';
    const what = `the libvirt socket of ${host}`;
    return berthError('BERTH_PERMISSION', {
      what,
      reason: withFinding('not allowed', / is not for /, stderr),
      remedy,
    });
  }
  if (status === FarStatus.noSocket) {
    const reason = withFinding('no daemon listens there', /^there is no socket /, stderr);
    const remedy = 'start it there: systemctl start virtqemud.socket, or libvirtd.socket';
    return berthError('BERTH_NO_WAY_IN', { host, reason, remedy });
  }
  if (NOT_RUN.includes(status)) {
    const reason = withWords('virt-ssh-helper cannot be run there', stderr);
    const remedy = 'install it there (Debian: libvirt-daemon), or leave out proxy=native';
    return berthError('BERTH_NO_WAY_IN', { host, reason, remedy });
  }
  const reason = withWords(`what leads to the daemon ended (${statusOf(ending)})`, stderr);
  const remedy = 'see there whether libvirtd (or virtqemud) runs, and whether that user may use it';
  return berthError('BERTH_NO_WAY_IN', { host, reason, remedy });
}

/** What is said when the far side has neither a helper nor an nc that knows unix sockets. */
export function noWay(host: string, alsoTried: string): BerthError {
  const reason = `neither virt-ssh-helper nor an nc that knows -U is there${alsoTried}`;
  const remedy = 'install one of them there (Debian: libvirt-daemon, netcat-openbsd)';
  return berthError('BERTH_NO_WAY_IN', { host, reason, remedy });
}

/** What is said when a shell's own words come before the daemon's. */
export function noise(host: string, bytes: Buffer): BerthError {
  const said = bytes.toString('latin1', 0, 60).replaceAll(/[^\x20-\x7e]/g, '.');
  return berthError('BERTH_PROTOCOL', {
    where: host,
    problem: `the login there writes to its standard output before libvirt does: "${said}"`,
    remedy: 'let .bashrc and the like say nothing where no terminal is: [ -t 1 ] || return',
  });
}

function statusOf({ status, signal }: SshEnding): string {
  return status === undefined ? `ended by ${signal}` : `status ${status}`;
}

/** What the script of the far side found comes first; a login shell may have complained before it. */
function withFinding(reason: string, finding: RegExp, stderr: string): string {
  const lines = linesOf(stderr);
  const found = lines.findLastIndex((line) => finding.test(line));
  if (found === -1) return withWords(reason, stderr);
  const rest = lines.toSpliced(found, 1).slice(-LINES_SHOWN).join('; ');
  return `${reason}: ${lines[found]}${rest === '' ? '' : `; the login there also said: ${rest}`}`;
}

function linesOf(stderr: string): readonly string[] {
  return stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function withWords(reason: string, stderr: string): string {
  const lines = linesOf(stderr);
  const last = lines.slice(-LINES_SHOWN).join('; ');
  return last === '' ? reason : `${reason}: ${last}`;
}
