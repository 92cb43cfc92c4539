import type { Readable, Writable } from 'node:stream';
import type { Client } from '../api/client.ts';
import type { NetAddress } from '../api/server-address.ts';
import type { LabPort, WorkOptions } from './lab-port.ts';

/**
 * What a command line ends with: 0 done, else as the error registry says (`ExitCode`). `lab exec`
 * passes on what its command ended with.
 */
export type ExitStatus = number;

/** Standard input: bytes, and raw mode when it is a terminal. */
export type Input = Readable & {
  readonly isTTY?: boolean | undefined;
  setRawMode?(on: boolean): unknown;
};

/** Standard output or error: bytes, and the size when it is a terminal. */
export type Output = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

export interface UpOptions extends WorkOptions {
  /** How guests run; absent: as is best on this machine. */
  readonly accel?: 'kvm' | 'tcg';
}

export interface DownOptions extends WorkOptions {
  /** Also removes all state under BERTH_HOME. */
  readonly purge: boolean;
}

/** What `up` ends with: the registered host, and the first VM on it. */
export interface UpResult {
  readonly hostName: string;
  readonly vm: string;
  /** False when everything was there already. */
  readonly changed: boolean;
}

/** This machine made ready, and taken back; given by the composition root. */
export interface LocalMachine {
  up(options: UpOptions): Promise<UpResult>;
  /** `changed` is false when nothing ran, and nothing was to be removed. */
  down(options: DownOptions): Promise<{ readonly changed: boolean }>;
}

/** Which server a command asks; without either the one that the environment or `berth login` says. */
export interface ServerChoice {
  /** Its URL, or `local`. */
  readonly server?: string | undefined;
  /** The one of this machine, whatever else is said. */
  readonly isLocal?: true;
}

/** Servers on the network that were logged in to. */
export interface LoginPort {
  clientOf(address: NetAddress): Client | Promise<Client>;
  /** Keeps a login, and makes its server the one that is asked. @returns the file it is kept in */
  keep(address: NetAddress): Promise<string>;
  /** Forgets all logins. @returns the URLs that were kept */
  forget(): Promise<readonly string[]>;
}

/** How the server is to be run. */
export interface ServeWish {
  /** `ADDRESS:PORT` of each way in from the network. */
  readonly listen: readonly string[];
  /** Files of the certificate and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Listens without TLS for the network, too. */
  readonly isPlainAllowed: boolean;
  /** A proxy on this machine says where requests come from. */
  readonly isProxied: boolean;
  /** A URL in place of the embedded store; it may hold a password. */
  readonly store?: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Everything of the world that a command line touches. */
export interface CliPorts {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** BERTH_HOME: where all state lies. */
  readonly home: string;
  readonly version: string;
  /** How the program was called, for lines to try next; `berth` when not told. */
  readonly calledAs?: string;
  /** A client of the server that is meant; loaded when a command first needs it. */
  client(choice: ServerChoice): Client | Promise<Client>;
  readonly logins: LoginPort;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds and parts of such, by a clock that nobody sets; `performance.now` when not given. */
  readonly clock?: () => number;
  /** Aborted by the first Ctrl-C: stop what can be taken back, and say what goes on elsewhere. */
  readonly signal: AbortSignal;
  /** Aborted by the second Ctrl-C, or at once by SIGTERM: end now. */
  readonly leave: AbortSignal;
  readonly local: LocalMachine;
  readonly lab: LabPort;
  /** Runs the server in the foreground until the signal. */
  serve(options: ServeWish & { readonly signal: AbortSignal }): Promise<void>;
}
