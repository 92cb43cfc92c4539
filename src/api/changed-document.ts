import { isBerthError } from '../base/errors.ts';
import { parseVmDocument } from './vm-spec.ts';
import type { VmDocument } from './vm-spec.ts';

/**
 * A VM document with other values, by path (`spec.memory.size`); null takes the key out. Undefined
 * where no document can say it, such as a page size that documents have no word for.
 */
export function changedDocument(
  document: VmDocument,
  set: Readonly<Record<string, unknown>>,
): VmDocument | undefined {
  const changed = structuredClone(document);
  for (const [path, value] of Object.entries(set)) setAt(changed, path.split('.'), value);
  try {
    parseVmDocument(changed);
    return changed;
  } catch (error) {
    if (isBerthError(error, 'BERTH_SPEC_INVALID')) return undefined;
    throw error;
  }
}

/** Sets a value at a path of keys, making what is missing on the way; null takes the key out. */
export function setAt(
  target: object,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): void {
  const fields = target as Record<string, unknown>;
  if (rest.length === 0) {
    if (value === null) delete fields[key];
    else fields[key] = value;
    return;
  }
  const inner = fields[key];
  if (typeof inner === 'object' && inner !== null) {
    setAt(inner, rest, value);
  } else if (value !== null) {
    const made = {};
    fields[key] = made;
    setAt(made, rest, value);
  }
}
