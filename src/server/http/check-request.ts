import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { specError } from '../../api/schema-error.ts';

/** What a part of a request is called where all of it is wrong. */
const PART_NAMES: Readonly<Record<string, string>> = {
  body: 'the body of the request',
  querystring: 'the query of the request',
  params: 'the path of the request',
  headers: 'the headers of the request',
};

/**
 * Checks a part of a request against the schema of its route: what is wrong is said in the words
 * that a file with a specification gets, and keys are named as they were sent.
 */
export const checkRequest: FastifySchemaCompiler<unknown> = ({ schema, httpPart = '' }) => {
  if (!(schema instanceof z.ZodType)) throw new TypeError(`no schema of zod: ${httpPart}`);
  return (data: unknown) => {
    const { success, data: value, error } = schema.safeParse(data);
    return success ? { value } : { error: specError(error.issues, PART_NAMES[httpPart]) };
  };
};
