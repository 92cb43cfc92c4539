import type { Command } from 'commander';
import { jsonText } from '../printable.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

/** `schema`: what editors check documents by. */
export function registerSchema(program: Command, session: Session): void {
  leaf(program, 'schema', {
    does: 'Print the JSON Schema of VM documents, for editors',
    examples: [
      ['berth schema > vm.schema.json', 'a file that editors can be pointed at'],
      ['berth schema | jq \'."$defs".VmDocument.properties.spec\'', 'what may stand in a spec'],
    ],
  }).action(async () => {
    const { vmSchema } = await import('../../api/vm-schema.ts');
    const schema = vmSchema();
    await session.answer(schema, () => jsonText(schema));
  });
}
