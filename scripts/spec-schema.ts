import { mkdirSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { z } from 'zod';
import { vmDocument } from '../src/api/vm-spec.ts';

/** Where the schema lies, for editors and for whoever checks documents without Berth. */
export const SPEC_SCHEMA_FILE = 'docs/schema/vm.schema.json';

/** The JSON Schema of VM documents, made from what checks them: `node scripts/spec-schema.ts`. */
export async function specSchema(): Promise<string> {
  const schema = z.toJSONSchema(vmDocument, { io: 'input', target: 'draft-2020-12' });
  const titled = {
    title: 'VM',
    description: 'A virtual machine, as Berth is to make it',
    ...schema,
  };
  return format(JSON.stringify(titled), { parser: 'json', printWidth: 100 });
}

if (import.meta.main) {
  mkdirSync('docs/schema', { recursive: true });
  writeFileSync(SPEC_SCHEMA_FILE, await specSchema());
}
