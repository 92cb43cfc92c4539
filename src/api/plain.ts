/** A JSON value without `readonly`. */
export type Plain<T> = T extends readonly (infer E)[]
  ? Plain<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;

/** The same JSON value without `readonly`, as zod's types want it; nothing is copied. */
export function plain<T>(value: T): Plain<T> {
  return value as Plain<T>;
}
