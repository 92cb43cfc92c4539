import { createHash } from 'node:crypto';
import { berthError } from '../../base/errors.ts';
import type { OperationRecord } from '../../store/operations.ts';
import type { KeyedRequest } from '../../store/requests.ts';
import type { ServiceContext } from './context.ts';

/** For so long the same key stands for the same request. */
const KEPT_MS = 24 * 3_600_000;

/** What somebody asks under a key. */
export interface AskedUnderKey {
  /** The id of a token, or `owner`. */
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

  /**
   * Holds the key of a request, for which `letGo` must be called when that has been answered; not where
   * an operation answers it at once.
   * @throws BERTH_CONFLICT when the key stands for another request; BERTH_STORE_UNREACHABLE while it is
   * not certain whether its operation has begun
   */
  async admit({ actor, key, parts }: AskedUnderKey): Promise<AdmittedRequest> {
    const { ports, store } = this.#context;
    await store.requests.prune(KEPT_MS);
    const fingerprint = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const request = await store.requests.hold({
      actor,
      key,
      fingerprint,
      operation: ports.uuid(),
    });
    if (request.fingerprint !== fingerprint) {
      throw berthError('BERTH_CONFLICT', {
        what: `the idempotency key "${key}"`,
        why: 'it was used for another request within the last 24 hours',
        remedy: 'send a fresh key with each new request',
      });
    }
    const operation = await this.begunBy(request).catch(async (error: unknown) => {
      await store.requests.letGo(request);
      throw error;
    });
    if (operation === undefined) return { request };
    await store.requests.letGo(request);
    return { request, operation };
  }

  /** The operation that a request under the same key has begun, at whichever server. */
  async begunBy({ operation }: KeyedRequest): Promise<OperationRecord | undefined> {
    return this.#context.runner.find(operation);
  }

  /** Lets go of a key: that of a request that has begun no operation is free for another one then. */
  async letGo(request: KeyedRequest): Promise<void> {
    await this.#context.store.requests.letGo(request);
  }
}
