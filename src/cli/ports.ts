import type { Readable, Writable } from 'node:stream';
import type { Client } from '../api/client.ts';
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

/** Standard output or error: bytes, and the width when it is a terminal. */
export type Output = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
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
  /** A client of the server; loaded when a command first needs it. */
  client(): Client | Promise<Client>;
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
  serve(options: { readonly signal: AbortSignal }): Promise<void>;
}
