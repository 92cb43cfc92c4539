import type { OperationView } from '../api/resources.ts';

/** Thrown when a person stops waiting for an operation that goes on in the server. */
export class LeftRunning extends Error {
  override readonly name = 'LeftRunning';
  readonly operation: OperationView;

  constructor(operation: OperationView) {
    super(`${operation.kind} ${operation.vm} goes on in the server`);
    this.operation = operation;
  }
}
