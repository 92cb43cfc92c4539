/** A JSON Schema or another part of an OpenAPI document. */
type Json = Record<string, unknown>;

const SCHEMA_REF = '#/components/schemas/';
/** How the names of components end that say what requests hold. */
const INPUT = 'Input';

/** What answers of a status mean, where their schema does not say it. */
const MEANINGS: Readonly<Record<string, string>> = {
  200: 'What was asked for',
  201: 'What was made',
  202: 'The operation that has begun; `Location` says where to follow it',
  204: 'Done',
  503: 'Not ready',
};

/**
 * Puts a generated document in order: what answers hold may grow, so they close no object; components
 * that nothing refers to go; one that is the same in requests and in answers has one name; and
 * everything stands in a fixed order.
 */
export function tidyDocument(document: object): object {
  const tidy = structuredClone(document) as Json;
  const schemas = inner(inner(tidy, 'components'), 'schemas');
  each(tidy, dropNoise);
  for (const [name, schema] of Object.entries(schemas)) {
    if (!name.endsWith(INPUT)) openObjects(schema);
  }
  for (const path of Object.values(inner(tidy, 'paths'))) {
    for (const operation of Object.values(path as Json)) {
      const responses = inner(operation as Json, 'responses');
      openObjects(responses);
      describeAnswers(responses);
    }
  }
  nameInputs(tidy, schemas);
  const kept = referenced(tidy);
  const names = Object.keys(schemas).filter((name) => kept.has(name));
  inner(tidy, 'components')['schemas'] = Object.fromEntries(
    names.toSorted().map((name) => [name, schemas[name]]),
  );
  return tidy;
}

/** Takes out `additionalProperties: false`, all the way down. */
function openObjects(part: unknown): void {
  each(part, (object) => {
    if (object['additionalProperties'] === false) delete object['additionalProperties'];
  });
}

/** What JSON numbers and keys are in any case. */
function dropNoise(object: Json): void {
  if (object['minimum'] === Number.MIN_SAFE_INTEGER) delete object['minimum'];
  if (object['maximum'] === Number.MAX_SAFE_INTEGER) delete object['maximum'];
  if (JSON.stringify(object['propertyNames']) === '{"type":"string"}')
    delete object['propertyNames'];
}

function describeAnswers(responses: Json): void {
  for (const [status, answer] of Object.entries(responses)) {
    const { description } = answer as Json;
    if (description !== 'Default Response') continue;
    (answer as Json)['description'] = MEANINGS[status] ?? 'An answer';
  }
}

/**
 * Gives schemas of requests the names that people know: those that say what the schema of answers
 * says are that one, and so are those of which no answer holds the other.
 */
function nameInputs(document: Json, schemas: Json): void {
  const plain = (schema: unknown): string =>
    JSON.stringify(schema).replaceAll(/("#\/components\/schemas\/[^"]*?)Input"/g, '$1"');
  const kept = referenced(document);
  const renamed = new Set<string>();
  for (const name of Object.keys(schemas).filter((each) => each.endsWith(INPUT))) {
    const known = name.slice(0, -INPUT.length);
    const isSame = plain(schemas[name]) === plain(schemas[known]);
    if (!isSame && kept.has(known)) continue;
    schemas[known] = schemas[name];
    renamed.add(name);
  }
  each(document, (object) => {
    const ref = object['$ref'];
    if (typeof ref !== 'string' || !renamed.has(ref.slice(SCHEMA_REF.length))) return;
    object['$ref'] = ref.slice(0, -INPUT.length);
  });
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
