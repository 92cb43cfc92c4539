import type { OperationKind } from '../../api/resources.ts';
import type { StepProgress } from '../../store/operations.ts';

/** Tells how far a step is. It may be called as often as a step likes. */
export type TellProgress = (progress: StepProgress) => void;

/**
 * One step of an operation. A crash can strike anywhere within it, so `act` must be safe to repeat
 * when it is half or wholly done, and `undo` safe when it is half, wholly or not at all done, and
 * when what `act` returned was lost with the process.
 */
export interface Step<M> {
  /** Shown to people while it runs: "start the domain". */
  readonly name: string;
  /** Does it. What it returns is what later steps, undoing and a restart need to know. */
  readonly act: (memory: M, signal: AbortSignal, tell: TellProgress) => Promise<M>;
  /** Takes it back; absent where there is nothing to take back. */
  readonly undo?: (memory: M, signal: AbortSignal) => Promise<void>;
  /** What it does stays: an operation that fails behind it ends as `failed`, never as `undone`. */
  readonly lasting?: boolean;
}

/** What an operation does, as steps over a JSON value that the journal keeps. */
export interface OperationPlan<M> {
  readonly kind: OperationKind;
  readonly steps: readonly Step<M>[];
  /** The host it works on, once that is known. */
  readonly hostOf: (memory: M) => string | undefined;
  /** Settles when that host can be reached; undoing waits for it before it tries again. */
  readonly ready?: (memory: M) => Promise<void>;
}

/** Whom an operation is about. */
export interface OperationSubject {
  readonly vm: string;
  readonly uuid: string;
  /** Of the VM as it is, or as it shall be where it is made; undefined where nobody labelled it. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}
