import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { App } from './routes/route-parts.ts';
import { tidyDocument } from './openapi-document.ts';

/** An answer that is no JSON document. */
interface BareAnswer {
  readonly description: string;
  /** Its media type; absent: it has no body. */
  readonly type?: string;
  /** The component that each part of it is. */
  readonly component?: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route answers whose answer no schema of its own writes, by status. */
    readonly answers?: Readonly<Record<number, BareAnswer>>;
  }
}

const TAGS = [
  { name: 'vms', description: 'Virtual machines, and what can be done with them' },
  { name: 'hosts', description: 'The hosts of the fleet' },
  { name: 'operations', description: 'What the server is doing and has done' },
  { name: 'events', description: 'What happens, as it happens' },
  { name: 'access', description: 'Who may do what, and who did' },
  { name: 'server', description: 'The server itself' },
  { name: 'health', description: 'For whatever watches over the server' },
];

const ABOUT = `Places and manages virtual machines on a fleet of KVM hosts. Sizes are bytes and times are \
milliseconds since the epoch unless a name says otherwise. Fields may be added within \`/api/v1\`, never \
changed or removed. Every error is a \`Problem\` (RFC 9457), also where an answer does not list it.`;

/**
 * Describes every route that is added from now on, by the very schemas that check its requests and
 * write its answers, as OpenAPI 3.1.
 */
export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Berth',
        version,
        description: ABOUT,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      security: [{ token: [] }, {}],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description:
              'What `berth token create` prints. The server’s own unix socket needs none.',
          },
        },
      },
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const { answers = {} } = route.route.config ?? {};
      return { schema: withProblems(withAnswers(schema, answers)), url };
    },
    transformObject: (document) => tidyDocument(jsonSchemaTransformObject(document)),
  });
}

/** `/openapi.json`, below the prefix of the API. */
export function openapiRoute(app: App): void {
  let text: string | undefined;
  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'getOpenApi',
        tags: ['server'],
        summary: 'Describes this API, as OpenAPI 3.1',
        response: { 200: z.looseObject({ openapi: z.string() }) },
      },
    },
    // Nobody needs a token for it, so it is written once.
    async (_request, reply) => {
      text ??= JSON.stringify(app.swagger());
      return reply
        .type('application/json; charset=utf-8')
        .serializer(String)
        .send(text as never);
    },
  );
}

function withAnswers(
  schema: FastifySchema,
  answers: Readonly<Record<number, BareAnswer>>,
): FastifySchema {
  const bare = Object.entries(answers).map(([status, { description, type, component }]) => {
    if (type === undefined) return [status, { description, type: 'null' }];
    const text =
      component === undefined ? { type: 'string' } : { $ref: `#/components/schemas/${component}` };
    return [status, { description, content: { [type]: { schema: text } } }];
  });
  return { ...schema, response: { ...(schema.response as object), ...Object.fromEntries(bare) } };
}

/** What every route may answer: no route has to say so, and none can forget it. */
function withProblems(schema: FastifySchema): FastifySchema {
  const problem = {
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    ...schema,
    response: {
      ...(schema.response as object | undefined),
      '4xx': { description: 'Wrong, refused or not there: what, where and what to do', ...problem },
      '5xx': { description: 'The server, a host or libvirt cannot do it now', ...problem },
    },
  };
}
