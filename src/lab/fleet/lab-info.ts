import type { HostTopology } from '../../model/topology.ts';
import type { HostKind } from '../private-host/host-kind.ts';

export type { HostKind };

/** One host of a lab, as others see it. */
export interface LabHostInfo {
  /** Unique among all labs of a home: the lab's name and a number, `lab-1`. */
  readonly name: string;
  readonly lab: string;
  readonly kind: HostKind;
  /** The way in from anywhere on this machine: a unix socket. */
  readonly uri: string;
  /** What machine it shows: a name of the catalogue or of a description; `this` for the real one. */
  readonly machine: string;
  readonly topology: HostTopology;
  readonly state: 'running' | 'stopped';
  /** Its address on the lab's network. */
  readonly address: string;
  /** Ways in that work inside the lab's network only; absent where a program for them is missing. */
  readonly ways: { readonly ssh?: string; readonly tls?: string };
  /** Faults in force: words of `berth lab break`. */
  readonly broken: readonly string[];
  /** Folder of all its state. */
  readonly dir: string;
}

/** A fleet of hosts on a network of its own. */
export interface LabInfo {
  readonly name: string;
  /** The hosts' network, of which no address is reachable from outside: `198.18.3.0/24`. */
  readonly network: string;
  readonly hosts: readonly LabHostInfo[];
  /** What the lab lacks on this machine, and what would bring it; empty when nothing. */
  readonly notes: readonly string[];
}
