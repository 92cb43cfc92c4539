import type { OperationKind } from '../api/resources.ts';

/**
 * One step of an operation. A crash can strike anywhere within it, so `act` must be safe to repeat
 * when it is half or wholly done, and `undo` safe when it is half, wholly or not at all done.
 */
export interface Step<M> {
  /** Shown to people while it runs: "start the domain". */
  readonly name: string;
  /** Does it. What it returns is what later steps, undoing and a restart need to know. */
  readonly act: (memory: M, signal: AbortSignal) => Promise<M>;
  readonly undo?: (memory: M) => Promise<void>;
}

/** What an operation does, as steps over a JSON value that the journal keeps. */
export interface OperationPlan<M> {
  readonly kind: OperationKind;
  readonly steps: readonly Step<M>[];
  /** The host it works on, once that is known. */
  readonly hostOf: (memory: M) => string | undefined;
}

/** Whom an operation is about. */
export interface OperationSubject {
  readonly vm: string;
  readonly uuid: string;
}
