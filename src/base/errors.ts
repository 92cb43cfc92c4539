/**
 * The registry of everything Berth can say went wrong. Each entry states the HTTP status and the
 * exit code, says what happened and where, and hints at what to do. `docs/errors.md` is generated
 * from it, and a test holds the two together. A retired code is never reused.
 */

/** Exit codes that scripts rely on: 1 failed, 2 wrong usage or spec, 3 not found, 4 refused, 5 unreachable. */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 130;

interface ErrorKind<D> {
  readonly http: number;
  readonly exit: ExitCode;
  /** One line for the reference page: when this comes. */
  readonly when: string;
  readonly say: (data: D) => string;
  readonly hint: (data: D) => string;
}

const kind = <D extends object>(entry: ErrorKind<D>): ErrorKind<D> => entry;

export const ERRORS = {
  BERTH_USAGE: kind<{ problem: string; usage: string }>({
    http: 400,
    exit: 2,
    when: 'A command line or request cannot be understood.',
    say: (d) => d.problem,
    hint: (d) => d.usage,
  }),
  BERTH_SPEC_INVALID: kind<{
    where: string;
    problem: string;
    expected: string;
    line?: number;
    column?: number;
  }>({
    http: 400,
    exit: 2,
    when: 'A spec, size, CPU list or other value is wrong, or two of them contradict.',
    say: (d) => `${d.where}${at(d.line, d.column)}: ${d.problem}`,
    hint: (d) => `expected ${d.expected}`,
  }),
  BERTH_XML_INVALID: kind<{ where: string; problem: string; line: number; column: number }>({
    http: 400,
    exit: 2,
    when: 'A document is not well-formed XML.',
    say: (d) => `${d.where}${at(d.line, d.column)}: ${d.problem}`,
    hint: () => 'correct the document at that place',
  }),
  BERTH_XPATH: kind<{
    expression: string;
    why: 'subset' | 'nothing' | 'several' | 'not text';
    problem: string;
    expected: string;
  }>({
    http: 400,
    exit: 2,
    when: 'An XPath expression is not of the subset, or matches nothing, several things, or no text.',
    say: (d) => `${d.expression}: ${d.problem}`,
    hint: (d) => `expected ${d.expected}`,
  }),
  BERTH_URI_INVALID: kind<{ uri: string; problem: string }>({
    http: 400,
    exit: 2,
    when: 'A libvirt URI cannot be understood or names a way in that is not supported.',
    say: (d) => `${d.uri === '' ? "''" : d.uri}: ${d.problem}`,
    hint: () => 'use a libvirt URI such as qemu:///system',
  }),
  BERTH_RANGE: kind<{ what: string; value: string }>({
    http: 500,
    exit: 1,
    when: 'A number from a host is too large to be handled exactly.',
    say: (d) => `${d.what} is ${d.value}, beyond what can be counted exactly`,
    hint: () => 'the host reports an impossible figure; check it with virsh on that host',
  }),
  BERTH_NOT_FOUND: kind<{ kind: string; name: string; known: readonly string[] }>({
    http: 404,
    exit: 3,
    when: 'A VM, host, image or operation of that name does not exist.',
    say: (d) => `no ${d.kind} named "${d.name}"`,
    hint: (d) =>
      d.known.length === 0
        ? (WHERE_TO_LOOK[d.kind] ?? `there is no ${d.kind} yet`)
        : `there ${d.known.length === 1 ? 'is' : 'are'}: ${d.known.slice(0, 10).join(', ')}${d.known.length > 10 ? `, and ${d.known.length - 10} more` : ''}`,
  }),
  BERTH_EXISTS: kind<{ kind: string; name: string; where: string; remedy?: string }>({
    http: 409,
    exit: 4,
    when: 'The name is taken already.',
    say: (d) => `a ${d.kind} named "${d.name}" exists already ${d.where}`,
    hint: (d) => d.remedy ?? 'choose another name, or remove the other one first',
  }),
  BERTH_REFUSED: kind<{ vm: string; summary: string; explanation: unknown }>({
    http: 409,
    exit: 4,
    when: 'No host can take the VM as asked. The explanation names, for each host, every limit and by how much.',
    say: (d) => `${d.vm} cannot be placed: ${d.summary}`,
    hint: (d) => `see every limit with: berth why ${d.vm}`,
  }),
  BERTH_CONFLICT: kind<{ what: string; why: string; remedy: string }>({
    http: 409,
    exit: 4,
    when: 'What was asked contradicts the present state.',
    say: (d) => `${d.what}: ${d.why}`,
    hint: (d) => d.remedy,
  }),
  BERTH_BUSY: kind<{ what: string; holder: string; remedy?: string }>({
    http: 409,
    exit: 4,
    when: 'Somebody else is at it: another up or down, or another operation on the same VM.',
    say: (d) => `${d.what} is busy: ${d.holder}`,
    hint: (d) => d.remedy ?? 'wait until that has ended, then try again',
  }),
  BERTH_PRECONDITION: kind<{ what: string }>({
    http: 412,
    exit: 4,
    when: 'A request was to hold only for a thing as it was seen (If-Match), and that has changed.',
    say: (d) => `${d.what} has changed since it was looked at`,
    hint: () => 'look at it again, and ask again with its present ETag',
  }),
  BERTH_METHOD: kind<{ method: string; path: string; allowed: readonly string[] }>({
    http: 405,
    exit: 2,
    when: 'The HTTP API has such a path, but not that method on it.',
    say: (d) => `${d.method} cannot be asked of ${d.path}`,
    hint: (d) => `there ${d.allowed.length === 1 ? 'is' : 'are'}: ${d.allowed.join(', ')}`,
  }),
  BERTH_MEDIA_TYPE: kind<{ type: string }>({
    http: 415,
    exit: 2,
    when: 'The body of a request is of a type that the HTTP API does not read.',
    say: (d) => `a body of type "${d.type.slice(0, 100)}" is not read`,
    hint: () => 'send JSON with the header content-type: application/json',
  }),
  BERTH_SERVER_ENDING: kind<{ retryAfterS: number }>({
    http: 503,
    exit: 5,
    when: 'The server is ending, or starting again, and takes no more requests.',
    say: () => 'the server is ending and takes no more requests',
    hint: (d) => `ask again in ${d.retryAfterS} s`,
  }),
  /** `abortedBy` is why a caller's signal ended the waiting; then nothing has been taken back. */
  BERTH_INTERRUPTED: kind<{ what: string; abortedBy?: string }>({
    http: 499,
    exit: 130,
    when: 'A person stopped the work, and what was begun has been taken back; or the signal that a caller gave ended the waiting, and nothing has been taken back.',
    say: (d) =>
      d.abortedBy === undefined
        ? `${d.what} was interrupted; what was begun has been taken back`
        : `${d.what} is waited for no longer: ${d.abortedBy}`,
    hint: (d) =>
      d.abortedBy === undefined
        ? 'run the command again to start over'
        : 'the signal of the wait was aborted; begin again with another one',
  }),
  BERTH_PERMISSION: kind<{ what: string; reason: string; remedy: string }>({
    http: 403,
    exit: 1,
    when: 'The user, or the hypervisor, may not do that.',
    say: (d) => `no permission for ${d.what}: ${d.reason}`,
    hint: (d) => d.remedy,
  }),
  /** `reason` never tells whether a token exists, only what its holder may know. */
  BERTH_UNAUTHENTICATED: kind<{ reason: string }>({
    http: 401,
    exit: 4,
    when: 'The server does not know who asks: no token was given, or it is not one of its tokens.',
    say: (d) => `the server does not know you: ${d.reason}`,
    hint: () => 'give a token with: berth login URL, or in BERTH_TOKEN',
  }),
  BERTH_FORBIDDEN: kind<{ actor: string; what: string; reason: string }>({
    http: 403,
    exit: 4,
    when: 'Whoever asks is known, and has no right to do that.',
    say: (d) => `${d.actor} may not ${d.what}: ${d.reason}`,
    hint: () => 'ask an administrator for a token with that right: berth token create',
  }),
  BERTH_RATE_LIMITED: kind<{ what: string; retryAfterS: number }>({
    http: 429,
    exit: 1,
    when: 'Too many failed logins came from that address, or from all together.',
    say: (d) => `${d.what}; the next is heard in ${d.retryAfterS} s`,
    hint: (d) => `wait ${d.retryAfterS} s, then try again with the right token`,
  }),
  BERTH_DISK_FULL: kind<{ what: string; path: string }>({
    http: 507,
    exit: 1,
    when: 'A file system has no space left; nothing half-written was kept.',
    say: (d) => `no space left for ${d.what} in ${d.path}`,
    hint: (d) =>
      isUrl(d.path)
        ? 'free some space on that server, then try again'
        : `free some space there (df -h ${d.path}), then try again`,
  }),
  BERTH_FILE: kind<{ path: string; reason: string }>({
    http: 500,
    exit: 1,
    when: 'A file cannot be read or written, for a reason that has no code of its own here.',
    say: (d) => `${d.path} cannot be used: ${d.reason}`,
    hint: () => 'see what the kernel says of that disk or file system: dmesg | tail',
  }),
  BERTH_PACKAGES_NEEDED: kind<{ packages: readonly string[]; remedy: string }>({
    http: 500,
    exit: 1,
    when: 'Programs that this machine lacks are needed.',
    say: (d) => `this machine lacks: ${d.packages.join(', ')}`,
    hint: (d) => d.remedy,
  }),
  BERTH_COMMAND_FAILED: kind<{ command: string; status: string; output: string }>({
    http: 500,
    exit: 1,
    when: 'A program that Berth ran on this machine failed.',
    say: (d) => `${d.command} failed (${d.status})${d.output === '' ? '' : `: ${d.output}`}`,
    hint: () => 'the message above is that program’s own',
  }),
  BERTH_HYPERVISOR_FAILED: kind<{ problem: string; log: string }>({
    http: 500,
    exit: 1,
    when: 'The private hypervisor did not come up or did not end.',
    say: (d) => d.problem,
    hint: (d) => `its log: ${d.log}`,
  }),
  /** `isSent`: what was asked would have changed something, and may have reached the server. */
  BERTH_SERVER_UNREACHABLE: kind<{ socket: string; reason: string; isSent?: boolean }>({
    http: 503,
    exit: 5,
    when: 'The Berth server does not answer.',
    say: (d) => `the Berth server does not answer at ${d.socket}: ${d.reason}`,
    hint: (d) => {
      if (d.isSent === true) return 'what was asked may have begun; see: berth operation ls';
      return d.socket.startsWith('http')
        ? 'check the address, and on that machine: berth serve --listen'
        : 'start it with: berth up';
    },
  }),
  BERTH_HOST_UNREACHABLE: kind<{ host: string; uri: string; reason: string }>({
    http: 504,
    exit: 5,
    when: 'A host does not answer. What is known of it is the last that was seen.',
    say: (d) => `host ${d.host} (${d.uri}) does not answer: ${d.reason}`,
    hint: (d) => `check it with: virsh -c '${d.uri}' version`,
  }),
  BERTH_CONNECTION_CLOSED: kind<{ where: string; reason: string; remedy?: string }>({
    http: 504,
    exit: 5,
    when: 'A connection to a libvirt daemon could not be opened or has ended.',
    say: (d) => `the connection to ${d.where} is closed: ${d.reason}`,
    hint: (d) => d.remedy ?? 'check that libvirtd (or virtqemud) runs there',
  }),
  BERTH_HOST_NAME: kind<{ host: string; reason: string }>({
    http: 504,
    exit: 5,
    when: 'No address can be found for the name of a host.',
    say: (d) => `the host name "${d.host}" cannot be resolved: ${d.reason}`,
    hint: (d) => `check the spelling, and what this machine says to: getent hosts ${d.host}`,
  }),
  BERTH_HOST_KEY: kind<{ host: string; fault: 'unknown' | 'changed'; reason: string }>({
    http: 502,
    exit: 5,
    when: 'The SSH key of a host is not known here, or is another one than before.',
    say: (d) =>
      d.fault === 'changed'
        ? `the SSH key of ${d.host} is not the one that is known here: ${d.reason}`
        : `the SSH key of ${d.host} is not known here: ${d.reason}`,
    hint: (d) =>
      d.fault === 'changed'
        ? `find out why before anything else: somebody may be in between; for a host that was set up anew: ssh-keygen -R ${d.host}`
        : `enter it once by hand and compare the fingerprint: ssh ${d.host}`,
  }),
  BERTH_CERTIFICATE: kind<{
    where: string;
    fault: 'refused' | 'untrusted' | 'expired' | 'wrong-name' | 'file';
    reason: string;
    remedy: string;
  }>({
    http: 502,
    exit: 5,
    when: 'A certificate of a TLS connection is not accepted by this or the other side, or cannot be read.',
    say: (d) => `no TLS connection to ${d.where}: ${d.reason}`,
    hint: (d) => d.remedy,
  }),
  BERTH_NO_WAY_IN: kind<{ host: string; reason: string; remedy: string }>({
    http: 502,
    exit: 5,
    when: 'SSH leads to the host, but from there nothing leads to its libvirt daemon.',
    say: (d) => `${d.host} is entered by SSH, but its libvirt daemon is not reached: ${d.reason}`,
    hint: (d) => d.remedy,
  }),
  BERTH_LIBVIRT_REFUSED: kind<{ procedure: string; code: number; domain: number; message: string }>(
    {
      http: 502,
      exit: 1,
      when: 'libvirt answered a call with an error; its own code, domain and text are kept.',
      say: (d) => `libvirt refused ${d.procedure}: ${d.message} (code ${d.code})`,
      hint: () => 'the message is libvirt’s own',
    },
  ),
  BERTH_OUTCOME_UNKNOWN: kind<{ procedure: string; reason: string }>({
    http: 504,
    exit: 1,
    when: 'A call was sent and its answer never came: it may or may not have happened.',
    say: (d) => `it is unknown whether ${d.procedure} happened: ${d.reason}`,
    hint: () => 'look at the host’s state before trying again',
  }),
  BERTH_DEADLINE: kind<{ what: string; afterMs: number }>({
    http: 504,
    exit: 1,
    when: 'Something that was waited for did not come in time, and had no effect.',
    say: (d) => `${d.what} did not happen within ${d.afterMs} ms`,
    hint: () => 'see whether the host is overloaded, then try again',
  }),
  BERTH_PROTOCOL: kind<{ where: string; problem: string; remedy?: string }>({
    http: 502,
    exit: 1,
    when: 'The other side sent bytes that are not libvirt’s protocol.',
    say: (d) => `${d.where}: ${d.problem}`,
    hint: (d) => d.remedy ?? 'check that the address belongs to a libvirt daemon',
  }),
  BERTH_TOO_LARGE: kind<{ what: string; size: number; max: number }>({
    http: 413,
    exit: 2,
    when: 'Something exceeds a limit that the protocol or Berth sets.',
    say: (d) => `${d.what} is ${d.size}, more than the limit of ${d.max}`,
    hint: () => 'split it up or make it smaller',
  }),
  BERTH_TRANSFER_SHORT: kind<{ what: string; doneBytes: number; totalBytes: number }>({
    http: 502,
    exit: 1,
    when: 'Data that are moved ended before all of them had come; what would be half of it was not kept.',
    say: (d) => `${d.what} ended after ${d.doneBytes} of ${d.totalBytes} bytes`,
    hint: () => 'check whether something writes to the source meanwhile, then try again',
  }),
  BERTH_OVERFLOW: kind<{ what: string; max: number }>({
    http: 500,
    exit: 1,
    when: 'A consumer was too slow and events were dropped: state must be read again.',
    say: (d) => `${d.what}: more than ${d.max} waiting, the rest was dropped`,
    hint: () => 'read the whole state again',
  }),
  BERTH_EVENTS_MISSED: kind<{ what: string; reason: string }>({
    http: 500,
    exit: 1,
    when: 'A connection was away for a while: what happened meanwhile was told to nobody.',
    say: (d) => `events may be missing here, ${d.what}: ${d.reason}`,
    hint: () => 'read the whole state again',
  }),
  BERTH_FACTS_INVALID: kind<{ fact: string; problem: string }>({
    http: 502,
    exit: 1,
    when: 'A host, or a file, states facts that cannot be read or contradict themselves.',
    say: (d) => `${d.fact}: ${d.problem}`,
    hint: ({ fact }) =>
      fact.startsWith('/')
        ? 'put that file right, or put back the one that was there'
        : 'compare with virsh capabilities and lscpu -e on that host',
  }),
  BERTH_UNSUPPORTED: kind<{ what: string; why: string }>({
    http: 501,
    exit: 1,
    when: 'This host, libvirt or build cannot do what was asked.',
    say: (d) => `${d.what} is not possible here: ${d.why}`,
    hint: () => 'choose another host or leave it out',
  }),
  BERTH_OPERATION_FAILED: kind<{
    operation: string;
    step: string;
    reason: string;
    undone: boolean;
  }>({
    http: 500,
    exit: 1,
    when: 'An operation stopped at a step.',
    say: (d) => `${d.operation} failed at "${d.step}": ${d.reason}`,
    hint: (d) =>
      d.undone
        ? 'what was begun has been taken back'
        : 'some of it could not be taken back: see berth operation show',
  }),
  BERTH_STORE: kind<{ path: string; problem: string }>({
    http: 500,
    exit: 1,
    when: 'The store, a file or a database, cannot be used.',
    say: (d) => `the store ${d.path} cannot be used: ${d.problem}`,
    hint: (d) =>
      isUrl(d.path)
        ? 'look at the log of that database server, and at the user and database in the address'
        : 'the hosts hold the truth: move the file away and add the hosts again',
  }),
  BERTH_STORE_UNREACHABLE: kind<{ store: string; reason: string }>({
    http: 503,
    exit: 5,
    when: 'The database that holds the store does not answer, or cannot be written to; it is asked again.',
    say: (d) => `the store ${d.store} does not answer: ${d.reason}`,
    hint: (d) => `check that database server with: pg_isready -d '${d.store}'`,
  }),
  BERTH_FENCED: kind<{ operation: string }>({
    http: 409,
    exit: 1,
    when: 'A server that was taken for dead has come back: another one goes on with its operation.',
    say: (d) => `operation ${d.operation} has gone over to another server`,
    hint: () => 'follow it at any server of the fleet with: berth operation show',
  }),
  BERTH_CANCELLED: kind<{ operation: string; step: string; undone: boolean }>({
    http: 409,
    exit: 1,
    when: 'Somebody cancelled an operation; what was begun has been taken back.',
    say: (d) => `${d.operation} was cancelled at "${d.step}"`,
    hint: (d) =>
      d.undone
        ? 'what was begun has been taken back; ask again to start over'
        : 'some of it could not be taken back: see berth operation show',
  }),
  BERTH_INTERNAL: kind<{ what: string }>({
    http: 500,
    exit: 1,
    when: 'A defect in Berth.',
    say: (d) => `this is a defect in Berth: ${d.what}`,
    hint: () => 'please report it with the lines of the server log',
  }),
} as const;

/** Where to look for the right name of a thing, where no names are told. */
const WHERE_TO_LOOK: Readonly<Record<string, string>> = {
  VM: 'see those that you can see with: berth vm ls',
  host: 'see those that are registered with: berth host ls',
  operation: 'see the latest with: berth operation ls',
  resource: 'see the paths that there are: GET /api/v1/openapi.json',
};

/** A place that is no file of this machine. */
function isUrl(place: string): boolean {
  return place.includes('://');
}

function at(line: number | undefined, column: number | undefined): string {
  if (line === undefined) return '';
  return column === undefined ? `:${line}` : `:${line}:${column}`;
}

export type ErrorCode = keyof typeof ERRORS;
type DataOf<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]['say']>[0];

/** An error that says what, where and what to do; its text is safe to show to a person. */
export class BerthError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'BerthError';
  readonly code: C;
  readonly data: DataOf<C>;

  constructor(code: C, data: DataOf<C>, options?: ErrorOptions) {
    super(entryOf(code).say(data), options);
    this.code = code;
    this.data = data;
  }

  /** What to do about it, in one line. */
  get hint(): string {
    return entryOf(this.code).hint(this.data);
  }

  get exit(): ExitCode {
    return ERRORS[this.code].exit;
  }

  get http(): number {
    return ERRORS[this.code].http;
  }
}

/** Makes a coded error; throw what it returns. */
export function berthError<C extends ErrorCode>(
  code: C,
  data: DataOf<C>,
  options?: ErrorOptions,
): BerthError<C> {
  return new BerthError(code, data, options);
}

/** Narrows to a coded error, and to one code of it when given. */
export function isBerthError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is BerthError<C> {
  return error instanceof BerthError && (code === undefined || error.code === code);
}

/** True for a word that names an error of the registry; used where errors arrive as JSON. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(ERRORS, word);
}

/** The one place where the link between a code and its data type cannot be followed by the compiler. */
function entryOf<C extends ErrorCode>(code: C): ErrorKind<DataOf<C>> {
  return ERRORS[code] as unknown as ErrorKind<DataOf<C>>;
}
