import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** The server that routes are added to: its schemas are zod's. */
export type App = Parameters<FastifyPluginAsyncZod>[0];

/** The name in a path. */
export const named = z.object({ name: z.string().max(255) });

/** Strict, as everywhere: a misspelt key must not silently mean the default. */
export const force = z.strictObject({ force: z.stringbool().default(false) });
