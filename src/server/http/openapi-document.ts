/** A JSON Schema or another part of an OpenAPI document. */
type Json = Record<string, unknown>;

const SCHEMA_REF = '#/components/schemas/';

/**
 * Puts a generated document in order: what answers hold may grow, so they close no object; components
 * that nothing refers to go; one that is the same in requests and in answers has one name; and
 * everything stands in a fixed order.
 */
export function tidyDocument(document: object): object {
  const tidy = structuredClone(document) as Json;
  const components = inner(tidy, 'components');
  const schemas = inner(components, 'schemas');
  for (const [name, schema] of Object.entries(schemas)) {
    if (!name.endsWith('Input')) openObjects(schema);
  }
  for (const path of Object.values(inner(tidy, 'paths'))) {
    for (const operation of Object.values(path as Json))
      openObjects((operation as Json)['responses']);
  }
  const joined = joinSame(tidy);
  const kept = referenced(joined);
  const all = inner(inner(joined, 'components'), 'schemas');
  const names = Object.keys(all).filter((name) => kept.has(name));
  inner(joined, 'components')['schemas'] = Object.fromEntries(
    names.toSorted().map((name) => [name, all[name]]),
  );
  return joined;
}

/** Takes out `additionalProperties: false`, all the way down. */
function openObjects(part: unknown): void {
  each(part, (object) => {
    if (object['additionalProperties'] === false) delete object['additionalProperties'];
  });
}

/** Where a schema of requests says what that of answers says, both are the one of answers. */
function joinSame(document: Json): Json {
  const schemas = inner(inner(document, 'components'), 'schemas');
  const plain = (schema: unknown): string =>
    JSON.stringify(schema).replaceAll(/("#\/components\/schemas\/[^"]*?)Input"/g, '$1"');
  const same = new Set(
    Object.keys(schemas).filter((name) => {
      const answer = schemas[name.replace(/Input$/, '')];
      return name.endsWith('Input') && plain(schemas[name]) === plain(answer);
    }),
  );
  each(document, (object) => {
    const ref = object['$ref'];
    if (typeof ref !== 'string' || !same.has(ref.slice(SCHEMA_REF.length))) return;
    object['$ref'] = ref.replace(/Input$/, '');
  });
  return document;
}

/** The names of components that paths refer to, also by way of others. */
function referenced(document: Json): ReadonlySet<string> {
  const schemas = inner(inner(document, 'components'), 'schemas');
  const found = new Set<string>();
  const open: unknown[] = [document['paths']];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    each(part, ({ $ref }) => {
      const name = typeof $ref === 'string' ? $ref.slice(SCHEMA_REF.length) : undefined;
      if (name === undefined || found.has(name)) return;
      found.add(name);
      open.push(schemas[name]);
    });
  }
  return found;
}

/** Does something with every object in a part of the document. */
function each(part: unknown, visit: (object: Json) => void): void {
  if (typeof part !== 'object' || part === null) return;
  if (!Array.isArray(part)) visit(part as Json);
  for (const value of Object.values(part)) each(value, visit);
}

function inner(object: Json, key: string): Json {
  return (object[key] ?? {}) as Json;
}
