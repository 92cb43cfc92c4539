import type { Store } from '../../../src/store/store.ts';

/** Does one piece of work on the store, or does not: a process may die there, a disk may be full. */
export type StoreGate = (
  call: string,
  args: readonly unknown[],
  work: () => Promise<unknown>,
) => Promise<unknown>;

/** A store all of whose calls go through a gate, as one process sees it. */
export function gatedStore(store: Store, gate: StoreGate): Store {
  return new Proxy(store, {
    get: (target, part) => {
      const records: unknown = Reflect.get(target, part, target);
      const isRecords = typeof records === 'object' && records !== null;
      return isRecords ? gatedRecords(records, String(part), gate) : records;
    },
  });
}

function gatedRecords(records: object, part: string, gate: StoreGate): object {
  return new Proxy(records, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== 'function') return method;
      return async (...args: readonly unknown[]) =>
        gate(
          `${part}.${String(name)}`,
          args,
          async () => Reflect.apply(method, target, args) as unknown,
        );
    },
  });
}

/** True for what only reads: a full disk does not matter to it. */
export function isReading(call: string): boolean {
  return /\.(list|get|last|unfinished|orphaned|cancelled|generations|find|of|by|has|count)/.test(
    call,
  );
}
