import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openapiText } from '../../../scripts/openapi.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string; content?: object }>>;
}

interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const text = await openapiText();
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('docs/openapi.json is what the server says of itself: node scripts/openapi.ts', async () => {
  assert.equal(await readFile('docs/openapi.json', 'utf8'), text);
});

test('every route has a name of its own, a sentence, a theme, an answer and its problems', () => {
  assert.match(document.openapi, /^3\.1\./);
  assert.ok(operations.length >= 20);
  const themes = document.tags.map(({ name }) => name);
  for (const { path, method, operation } of operations) {
    const what = `${method} ${path}`;
    assert.match(operation.operationId ?? '', /^[a-z][A-Za-z]+$/, what);
    assert.match(operation.summary ?? '', /^[A-Z].*[^.]$/, what);
    assert.ok(operation.tags?.every((tag) => themes.includes(tag)) === true, what);
    const problem = {
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    };
    assert.deepEqual(operation.responses['4XX']?.content, problem, what);
    assert.deepEqual(operation.responses['5XX']?.content, problem, what);
    const isAnswered = Object.keys(operation.responses).some((status) => /^[12]\d\d$/.test(status));
    assert.ok(isAnswered, `${what} has an answer`);
    for (const { description } of Object.values(operation.responses)) {
      assert.notEqual(description, 'Default Response', what);
    }
  }
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
});

test('every part of a path is a parameter, and every reference leads to a component', () => {
  for (const { path, method, operation } of operations) {
    const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path');
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    assert.deepEqual(
      inPath.map(({ name }) => name).toSorted(),
      wanted.toSorted(),
      `${method} ${path}`,
    );
  }
  const names = new Set(Object.keys(document.components.schemas));
  const used = new Set<string>();
  for (const [, name = ''] of text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]*)"/g)) {
    assert.ok(names.has(name), name);
    used.add(name);
  }
  assert.deepEqual(
    [...names].filter((name) => !used.has(name)),
    [],
  );
  for (const name of ['VmSummary', 'Vm', 'VmDocument', 'Host', 'Operation', 'Problem', 'Event']) {
    assert.ok(names.has(name), name);
  }
});

test('answers may grow, and requests may not be misspelt', () => {
  const { Vm, VmDocument } = document.components.schemas;
  assert.doesNotMatch(JSON.stringify(Vm), /"additionalProperties":false/);
  assert.match(JSON.stringify(VmDocument), /"additionalProperties":false/);
});
