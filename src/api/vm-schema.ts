import { z } from 'zod';
import { vmDocument } from './vm-spec.ts';

/** The JSON Schema (2020-12) of VM documents as people write them, made from what checks them. */
export function vmSchema(): object {
  const schema = z.toJSONSchema(vmDocument, { io: 'input', target: 'draft-2020-12' });
  return { title: 'Berth VM document', ...schema };
}
