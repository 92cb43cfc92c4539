import type { LabHostInfo, LabInfo } from '../lab/fleet/lab-info.ts';
import type { UpProgress } from '../local/progress.ts';
import type { HostTopology } from '../model/topology.ts';

/** How work that changes this machine is asked for. */
export interface WorkOptions {
  /** Nobody is asked: what is needed is done. */
  readonly yes: boolean;
  /** Shows what is about to be changed and asks; false when the person declines. */
  readonly confirm: (question: string, items: readonly string[]) => Promise<boolean>;
  readonly progress: UpProgress;
  readonly signal: AbortSignal;
}

export interface LabUpOptions extends WorkOptions {
  readonly name: string;
  /**
   * How many hosts the lab is to have, 1 to LAB_HOSTS_MAX; they are named `<lab>-1` and so on.
   * Absent: those that it has, or one.
   */
  readonly hosts?: number;
  /**
   * What machine each host is, in their order and as many as hosts: a word as it was typed, which is
   * a name that `machines` lists, a description, or the path of a file or folder. Empty: every host
   * shows the machine it runs on.
   */
  readonly machines: readonly string[];
  /** Bytes of a file system of its own for each host's state; absent: the home's. */
  readonly disk?: number;
  /** How many 2 MiB pages this machine lends to the hosts; absent: none. */
  readonly pages?: number;
}

export interface LabDownOptions extends WorkOptions {
  /** Absent: every lab of this home. */
  readonly name?: string;
}

/** One word of `lab break`, and what it does to a host. */
export interface FaultKind {
  readonly name: string;
  /** One sentence without its full stop. */
  readonly does: string;
  /** What the words after it mean, such as `MS`; absent when it takes none. */
  readonly parameter?: string;
  /** False for what happens once, and is over: nothing is left to be mended. */
  readonly lasts: boolean;
}

/** A machine that hosts can show, or, for one with a kernel of its own, be. */
export interface CatalogueEntry {
  readonly name: string;
  /** What it is, in a few words: `2 x Xeon Gold 6248, sub-NUMA clusters`. */
  readonly title: string;
  /** Where the facts are from. */
  readonly source?: string;
  readonly topology: HostTopology;
}

/**
 * Fleets of hosts on this machine; given by the composition root. Every member refuses what it does
 * not know with BERTH_NOT_FOUND and the names that it does know, before anything is changed.
 */
export interface LabPort {
  /**
   * Makes a lab. One of that name that is up already with the same hosts is left as it is, and
   * `changed` is false.
   * @throws BERTH_EXISTS, or BERTH_CONFLICT, when a lab of that name has other hosts.
   */
  up(options: LabUpOptions): Promise<LabInfo & { readonly changed: boolean }>;
  /** Every lab of this home, by name. */
  list(): Promise<readonly LabInfo[]>;
  /**
   * Runs a command on a host, or on a lab's own network, with this process's standard input, output
   * and error, the terminal included; a Ctrl-C reaches the command, not Berth.
   * @param options.target the name of a host, or of a lab.
   * @returns what it ended with, as shells tell it: 128 and the signal's number for one that was killed.
   */
  exec(options: { readonly target: string; readonly argv: readonly string[] }): Promise<number>;
  /** Breaks a host; `fault` is the name of a kind and the words after it, as they were typed. */
  break(options: {
    readonly host: string;
    readonly fault: readonly string[];
    readonly signal: AbortSignal;
  }): Promise<LabHostInfo>;
  /** Takes a fault back; without `fault`, every one that is in force. */
  mend(options: {
    readonly host: string;
    readonly fault?: string;
    readonly signal: AbortSignal;
  }): Promise<LabHostInfo>;
  faults(): Promise<readonly FaultKind[]>;
  /** The catalogue, in the order it is to be shown. */
  machines(): Promise<readonly CatalogueEntry[]>;
  /** Ends labs and removes all that they are; nothing there is no error. */
  down(options: LabDownOptions): Promise<{
    readonly changed: boolean;
    readonly removed: readonly Pick<LabHostInfo, 'name' | 'uri'>[];
  }>;
}
