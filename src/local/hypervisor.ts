import { join } from 'node:path';
import { berthError } from '../base/errors.ts';
import {
  chooseAccelerator,
  readAcceleratorFacts,
  type Accelerator,
  type AcceleratorChoice,
} from '../lab/system/accelerator.ts';
import { untilLibvirtAnswers } from '../lab/private-host/libvirt-ready.ts';
import { findNamespaceHost, startNamespaceHost } from '../lab/private-host/namespace-host.ts';
import type { PrivateHost, PrivateHostOptions } from '../lab/private-host/private-host.ts';
import { findSessionHost, startSessionHost } from '../lab/private-host/session-host.ts';
import type { HypervisorKind } from './local-record.ts';
import type { StateFolder } from './state-folder.ts';
import { SYSTEM_URI, type SystemLibvirt } from './system-libvirt.ts';

/** A libvirtd that crashed is started again after a second, and takes another to find its guests. */
const ANSWER_MS_MAX = 15_000;
/** How long a silent one is waited for before it is seen whether it still runs. */
const LOOK_AGAIN_MS = 500;

/** The libvirt that runs the guests of this machine. */
export interface Hypervisor {
  readonly kind: HypervisorKind;
  readonly uri: string;
  /** A folder for boot files: where it is for us, and where the hypervisor sees it. */
  readonly images: { readonly outside: string; readonly inside: string };
  /** Ends it with all its guests, if it is ours. */
  readonly stop: () => Promise<void>;
}

/** What is to run the guests, and why. */
export interface HypervisorPlan {
  readonly kind: HypervisorKind;
  /** True when a private hypervisor must not see /dev/kvm. */
  readonly hideKvm: boolean;
  /** Why this hypervisor, in one sentence. */
  readonly reason: string;
}

/** What the choice rests on. */
export interface HypervisorFacts {
  readonly uid: number;
  readonly system: SystemLibvirt;
  readonly choice: AcceleratorChoice;
  /** What the person, now or at an earlier `up`, asked for. */
  readonly wanted: Accelerator | undefined;
  /** What runs the guests of this state folder since an earlier `up`. */
  readonly settled: HypervisorKind | undefined;
}

/**
 * How guests are to run on this machine. Where emulation is chosen though /dev/kvm opens, a private
 * hypervisor must not see it, or libvirt would offer KVM as well.
 * @throws BERTH_UNSUPPORTED when KVM is wanted in vain.
 */
export async function acceleratorOfMachine(
  wanted: Accelerator | undefined,
): Promise<AcceleratorChoice> {
  const facts = await readAcceleratorFacts();
  const choice = chooseAccelerator(facts, wanted);
  return { ...choice, hideKvm: choice.accel === 'tcg' && facts.kvmNode === 'opens' };
}

/**
 * Chooses the machine's own libvirt where it can be used, else a private one: in namespaces for
 * root, a session daemon for an ordinary user. A libvirt that sees a /dev/kvm which cannot run
 * guests would hang for a minute at every start, and nobody but its owner can hide it: then, and
 * when emulation is asked for, the private one it is.
 * @throws BERTH_CONFLICT when the state folder is settled otherwise.
 */
export function planHypervisor(facts: HypervisorFacts): HypervisorPlan {
  const { choice, settled, system, wanted } = facts;
  const own = facts.uid === 0 ? 'namespace' : 'session';
  const { hideKvm } = choice;
  if (settled === 'system') {
    if (wanted === 'tcg') throw settledOtherwise();
    return { kind: 'system', hideKvm, reason: 'this machine’s own libvirt, as before' };
  }
  const plan = (reason: string): HypervisorPlan => ({ kind: settled ?? own, hideKvm, reason });
  if (settled !== undefined) return plan('a private one, as before');
  if (system.state === 'absent') return plan('a private one: no libvirt answers on this machine');
  if (system.state === 'unusable') {
    return plan(`a private one: this machine’s own cannot be used (${system.reason})`);
  }
  if (wanted === 'tcg') return plan('a private one, for emulation was asked for');
  if (hideKvm) {
    return plan('a private one: this machine’s own would try /dev/kvm, which cannot run guests');
  }
  return { kind: 'system', hideKvm, reason: 'this machine’s own libvirt answers' };
}

function settledOtherwise(): Error {
  return berthError('BERTH_CONFLICT', {
    what: '--accel tcg',
    why: 'the guests of this BERTH_HOME run on this machine’s own libvirt, which chooses for itself',
    remedy: 'name another folder in BERTH_HOME, or begin anew after: berth down --purge',
  });
}

/** The private hypervisor of a state folder, if it runs. */
export async function findPrivateHost(
  folder: StateFolder,
  kind: HypervisorKind,
): Promise<PrivateHost | undefined> {
  switch (kind) {
    case 'system':
      return undefined;
    case 'namespace':
      return findNamespaceHost(folder.hypervisor);
    case 'session':
      return findSessionHost(folder.hypervisor);
  }
}

/**
 * Makes the planned hypervisor run.
 * @throws BERTH_CONFLICT when it runs with another accelerator than the one asked for; what
 *   starting a private host throws.
 */
export async function ensureHypervisor(
  plan: HypervisorPlan,
  options: {
    readonly folder: StateFolder;
    readonly name: string;
    readonly wanted: Accelerator | undefined;
    readonly signal: AbortSignal;
    readonly progress: (step: string) => void;
  },
): Promise<{ readonly hypervisor: Hypervisor; readonly started: boolean }> {
  const { folder, name, signal, progress } = options;
  if (plan.kind === 'system') return { hypervisor: systemHypervisor(folder), started: false };
  const running = await answeringHost(folder, plan.kind, signal);
  if (running !== undefined) {
    if (options.wanted !== undefined && running.hideKvm !== plan.hideKvm) {
      throw runsOtherwise(options.wanted);
    }
    return { hypervisor: privateHypervisor(plan.kind, running), started: false };
  }
  const start: PrivateHostOptions = {
    dir: folder.hypervisor,
    name,
    hideKvm: plan.hideKvm,
    signal,
    progress,
  };
  const host = await (plan.kind === 'namespace' ? startNamespaceHost : startSessionHost)(start);
  return { hypervisor: privateHypervisor(plan.kind, host), started: true };
}

/**
 * The private hypervisor that runs, once it answers: its daemon may just be coming up again. One
 * that is there but stays silent is not ended here, because guests would end with it.
 */
async function answeringHost(
  folder: StateFolder,
  kind: HypervisorKind,
  signal: AbortSignal,
): Promise<PrivateHost | undefined> {
  const end = performance.now() + ANSWER_MS_MAX;
  for (;;) {
    const running = await findPrivateHost(folder, kind); // it may be ending right now
    if (running === undefined || (await answersSoon(running, signal))) return running;
    if (performance.now() < end) continue;
    throw berthError('BERTH_HYPERVISOR_FAILED', {
      problem: 'the private hypervisor runs but does not answer; berth down ends it',
      log: join(running.dir, 'libvirtd.log'),
    });
  }
}

async function answersSoon({ uri }: PrivateHost, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.timeout(LOOK_AGAIN_MS);
  try {
    await untilLibvirtAnswers(uri, AbortSignal.any([signal, limit]));
    return true;
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    return false;
  }
}

function systemHypervisor(folder: StateFolder): Hypervisor {
  return {
    kind: 'system',
    uri: SYSTEM_URI,
    images: { outside: folder.images, inside: folder.images },
    stop: async () => Promise.resolve(),
  };
}

function privateHypervisor(kind: HypervisorKind, host: PrivateHost): Hypervisor {
  return { kind, uri: host.uri, images: host.images, stop: async () => host.stop() };
}

function runsOtherwise(wanted: Accelerator): Error {
  return berthError('BERTH_CONFLICT', {
    what: `--accel ${wanted}`,
    why: 'the private hypervisor runs already, with the other accelerator',
    remedy: `run: berth down && berth up --accel ${wanted}`,
  });
}
