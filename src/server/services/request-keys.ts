import { createHash } from 'node:crypto';
import { berthError } from '../../base/errors.ts';
import type { OperationRecord } from '../../store/operations.ts';
import type { KeyedRequest } from '../../store/requests.ts';
import type { ServiceContext } from './context.ts';

/** For so long the same key stands for the same request. */
const KEPT_MS = 24 * 3_600_000;

/** What somebody asks under a key. */
export interface AskedUnderKey {
  /** Empty for the owner of the server's socket. */
  readonly actor: string;
  readonly key: string;
  /** Everything that was asked: method, path and body. */
  readonly parts: readonly unknown[];
}

/** A request under its key, and the operation that answers it when it was made before. */
export interface AdmittedRequest {
  readonly request: KeyedRequest;
  readonly operation?: OperationRecord;
}

/**
 * Requests that may be sent again by those who have lost the answer: each carries a key, and the same
 * key begins the same operation once. The operation's id is kept before it begins, so that neither a
 * crash nor another server can begin it twice.
 */
export class RequestKeys {
  readonly #context: ServiceContext;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** @throws BERTH_CONFLICT when the key stands for another request */
  async admit({ actor, key, parts }: AskedUnderKey): Promise<AdmittedRequest> {
    const { ports, runner, store } = this.#context;
    const at = ports.now();
    await store.requests.prune(at - KEPT_MS);
    const fingerprint = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const asked = { actor, key, fingerprint, operation: ports.uuid(), at };
    const request = await store.requests.keep(asked);
    if (request.fingerprint !== fingerprint) {
      throw berthError('BERTH_CONFLICT', {
        what: `the idempotency key "${key}"`,
        why: 'it was used for another request within the last 24 hours',
        remedy: 'send a fresh key with each new request',
      });
    }
    const known = await store.operations.get(request.operation);
    if (known === undefined) return { request };
    return { request, operation: (await runner.get(known.id)).record };
  }

  /** Frees the key of a request that has begun no operation: it may be made anew. */
  async settle(request: KeyedRequest): Promise<void> {
    const { store } = this.#context;
    const operation = await store.operations.get(request.operation);
    if (operation === undefined) await store.requests.forget(request);
  }
}
