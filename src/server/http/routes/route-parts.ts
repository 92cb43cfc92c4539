import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { FastifyReply, FastifyRequest, FastifySchema, FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import type { OperationView } from '../../../api/resources.ts';
import { flagQuery } from '../../../api/vm-query.ts';
import { checkRequest } from '../check-request.ts';
import { noteFacts } from '../request-log.ts';

/** The server that routes are added to: its schemas are zod's. */
export type App = Parameters<FastifyPluginAsyncZod>[0];

/**
 * For a route whose body the service checks itself, with better words than a schema has: the schema
 * describes the body, and everything else of the request is checked as elsewhere.
 */
export const bodyCheckedByService: FastifySchemaCompiler<FastifySchema> = (part) =>
  part.httpPart === 'body' ? (value: unknown) => ({ value }) : checkRequest(part);

/** Answers that an operation has begun, where to follow it, and lets the log name it. */
export function sendOperation(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: OperationView,
): OperationView {
  noteFacts(request, { operation: operation.id });
  reply.code(202).header('location', `/api/v1/operations/${operation.id}`);
  return operation;
}

/** The name in a path. */
export const named = z.object({ name: z.string().max(255) });

/** Strict, as everywhere: a misspelt key must not silently mean the default. */
export const force = z.strictObject({ force: flagQuery.default(false) });
