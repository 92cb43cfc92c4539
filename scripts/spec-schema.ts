import { mkdirSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { vmSchema } from '../src/api/vm-schema.ts';

/** Where the schema lies, for editors and for whoever checks documents without Berth. */
export const SPEC_SCHEMA_FILE = 'docs/schema/vm.schema.json';

/** The JSON Schema of VM documents, made from what checks them: `node scripts/spec-schema.ts`. */
export async function specSchema(): Promise<string> {
  return format(JSON.stringify(vmSchema()), { parser: 'json', printWidth: 100 });
}

if (import.meta.main) {
  mkdirSync('docs/schema', { recursive: true });
  writeFileSync(SPEC_SCHEMA_FILE, await specSchema());
}
