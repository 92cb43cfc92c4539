import type { HelloDocument } from './hello.ts';

/** A VM as far as `up` and `down` look at it. */
export interface KnownVm {
  readonly name: string;
  readonly host: string;
  /** libvirt's word: `running`, `shutoff`, `paused`, … */
  readonly state: string;
  /** False for a domain that Berth did not make. */
  readonly managed: boolean;
}

/** A registered host as far as `up` looks at it. */
export interface KnownHost {
  readonly name: string;
  readonly uri: string;
  readonly state: 'connecting' | 'connected' | 'unreachable';
  /** Why it is unreachable. */
  readonly reason?: string | undefined;
}

/** How an operation is followed. */
export interface Following {
  readonly signal: AbortSignal;
  /** Hears the name of each step the operation comes to. */
  readonly onStep?: (step: string) => void;
}

/**
 * What `up` and `down` ask of the server. The composition root passes an adapter over the API's
 * client. Each call that begins an operation settles at the operation's end and throws its error;
 * aborting the signal ends the waiting only.
 */
export interface ServerPort {
  /** Waits until the server answers. @throws BERTH_SERVER_UNREACHABLE after the deadline. */
  ready(deadlineMs: number, signal: AbortSignal): Promise<{ readonly pid: number }>;
  hosts(signal: AbortSignal): Promise<readonly KnownHost[]>;
  /** Registers a host; the same name and URI again is no error. */
  addHost(
    host: { readonly name: string; readonly uri: string },
    signal: AbortSignal,
  ): Promise<void>;
  vms(signal: AbortSignal): Promise<readonly KnownVm[]>;
  createVm(document: HelloDocument, options: { start: true } & Following): Promise<void>;
  startVm(name: string, following: Following): Promise<void>;
  /** Asks the guest to end, or with `force` ends it. */
  stopVm(name: string, options: { readonly force: boolean } & Following): Promise<void>;
  removeVm(name: string, options: { readonly force: boolean } & Following): Promise<void>;
  /**
   * Presses Enter on a VM's console until it shows a text.
   * @returns false when it did not by the deadline, or the console cannot be had.
   */
  consoleShows(
    name: string,
    text: string,
    wait: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<boolean>;
}
