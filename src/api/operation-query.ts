import { z } from 'zod';
import { operationView } from './resources.ts';

/** Which operations are listed: those that meet all that is given. */
export const operationQuery = z.strictObject({
  state: operationView.shape.state.optional().describe('how they stand'),
  vm: z.string().max(255).optional().describe('the name of the VM that they are about'),
  host: z.string().max(255).optional().describe('the host that they work on'),
  kind: operationView.shape.kind.optional().describe('what they do'),
});

export type OperationQuery = z.output<typeof operationQuery>;
