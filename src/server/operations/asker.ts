import { AsyncLocalStorage } from 'node:async_hooks';

/** Who wants an operation, and by what name it can be asked for again. */
export interface OperationAsker {
  /** The id that it shall have; the same again begins nothing new. */
  readonly id?: string | undefined;
  /** Absent for the owner of the server's socket. */
  readonly actor?: string | undefined;
  /** The id of that token. */
  readonly token?: string | undefined;
}

const asking = new AsyncLocalStorage<OperationAsker>();

/** Does work on behalf of somebody: operations that it begins are theirs. */
export function askedBy<T>(asker: OperationAsker, work: () => T): T {
  return asking.run(asker, work);
}

/** On whose behalf the present request is answered; nobody's outside of one. */
export function presentAsker(): OperationAsker {
  return asking.getStore() ?? {};
}
