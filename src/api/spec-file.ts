import { berthError } from '../base/errors.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import { parseVmDocument } from './vm-spec.ts';
import type { VmDocument } from './vm-spec.ts';
import { parseYamlDocuments } from './yaml-document.ts';

export { SPEC_FILE_BYTES_MAX } from './yaml-document.ts';

/** A checked spec together with the document it came from. */
export interface SpecEntry {
  readonly document: VmDocument;
  readonly spec: VmSpec;
}

/**
 * Reads VM documents from YAML (or JSON, which is YAML), separated by `---`.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID with the line and column of the offending key.
 */
export function parseSpecFile(text: string, where: string): readonly SpecEntry[] {
  const entries = parseYamlDocuments(text, where).map(({ value, check }) => ({
    document: value as VmDocument,
    spec: check(parseVmDocument),
  }));
  if (entries.length === 0) {
    throw berthError('BERTH_SPEC_INVALID', {
      where,
      problem: 'there is no document in it',
      expected: 'apiVersion: berth/v1, kind: VM, …',
    });
  }
  return entries;
}
