import { z } from 'zod';
import { berthError, isBerthError } from '../base/errors.ts';

/** Runs a parser of `base` inside a zod transform, so that its message becomes the issue. */
export function coded<T>(context: z.RefinementCtx, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    context.addIssue({
      code: 'custom',
      message: `${error.data.problem}; expected ${error.data.expected}`,
    });
    return z.NEVER;
  }
}

/**
 * What a schema found wrong first, as a coded error that names the key.
 * @param whole what to name where no key is to blame, but all of it
 */
export function specError(issues: readonly z.core.$ZodIssue[], whole = 'document'): Error {
  // A misspelt key often makes another one missing: the misspelling is what helps.
  const issue = issues.find((each) => each.code === 'unrecognized_keys') ?? issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  const where = path.length === 0 ? whole : pathText(path);
  return berthError('BERTH_SPEC_INVALID', { where, ...verdictOn(issue) });
}

/** What is wrong and what would be right, in words of ours. */
function verdictOn(issue: z.core.$ZodIssue | undefined): { problem: string; expected: string } {
  switch (issue?.code) {
    case 'unrecognized_keys':
      return { problem: 'unknown key', expected: 'only documented keys' };
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? { problem: 'it is missing', expected: `a value: ${typeName(issue.expected)}` }
        : { problem: 'it is of the wrong type', expected: `a value: ${typeName(issue.expected)}` };
    case 'invalid_value':
      return { problem: 'unknown word', expected: `one of ${wordList(issue.values)}` };
    case 'too_small': {
      const { problem, unit } = TOO_SMALL[issue.origin] ?? { problem: 'it is too small', unit: '' };
      const bound = issue.inclusive === false ? 'more than' : 'at least';
      return { problem, expected: `${bound} ${issue.minimum}${unit}` };
    }
    case 'too_big': {
      const { problem, unit } = TOO_BIG[issue.origin] ?? { problem: 'it is too large', unit: '' };
      const bound = issue.inclusive === false ? 'less than' : 'at most';
      return { problem, expected: `${bound} ${issue.maximum}${unit}` };
    }
    case 'invalid_key':
    case 'invalid_element':
      return verdictOn(issue.issues[0]);
    case 'invalid_union':
      return verdictOnUnion(issue);
    case 'custom': {
      const [problem = '', expected = 'another value'] = issue.message.split('; expected ');
      return { problem, expected };
    }
    case 'not_multiple_of':
      return { problem: 'it is not valid', expected: `a multiple of ${issue.divisor}` };
    default: {
      // What a schema of ours says begins like this; anything else is a word of the validator's.
      const message = issue?.message ?? '';
      const expected = message.startsWith('must be ')
        ? message.slice('must be '.length)
        : 'another value';
      return { problem: 'it is not valid', expected };
    }
  }
}

/** How a thing that is counted in its own way is too small or too big; others are numbers. */
const TOO_SMALL: Readonly<Record<string, { readonly problem: string; readonly unit: string }>> = {
  string: { problem: 'it is too short', unit: ' characters' },
  array: { problem: 'it has too few entries', unit: '' },
};
const TOO_BIG: typeof TOO_SMALL = {
  string: { problem: 'it is too long', unit: ' characters' },
  array: { problem: 'it has too many entries', unit: '' },
};

/** A form that the value has almost, or the forms that it may have. */
function verdictOnUnion(issue: z.core.$ZodIssueInvalidUnion): {
  problem: string;
  expected: string;
} {
  if (issue.message.startsWith('must be ')) {
    return { problem: 'it is not valid', expected: issue.message.slice('must be '.length) };
  }
  const heads = issue.errors.map((issues) => issues[0]);
  const near = heads.find((head) => head?.path.length !== 0 || head.code !== 'invalid_type');
  if (near !== undefined) return verdictOn(near);
  const names = heads.flatMap((head) =>
    head?.code === 'invalid_type' ? [typeName(head.expected)] : [],
  );
  return { problem: 'it is of the wrong type', expected: `a value: ${names.join(' or ')}` };
}

/** The schema's word for a type, in a word that a person who writes JSON or YAML knows. */
function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  tuple: 'array',
  record: 'object',
  int: 'whole number',
};

/** Words to choose from; an empty one is written as such. */
function wordList(words: readonly z.core.util.Primitive[]): string {
  return words.map((word) => (word === '' ? 'nothing' : String(word))).join(', ');
}

/** Runs a parser of a part of a document; what it finds wrong is named from the document's root. */
export function within<T>(path: readonly PropertyKey[], parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    const inner = error.data.where === pathText([]) ? '' : error.data.where;
    const joint = inner === '' || inner.startsWith('[') ? '' : '.';
    const where = path.length === 0 ? error.data.where : `${pathText(path)}${joint}${inner}`;
    throw berthError('BERTH_SPEC_INVALID', { ...error.data, where });
  }
}

/** `spec.disks[0].size` for the path ['spec', 'disks', 0, 'size']. */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return text.join('').replace(/^\./, '') || 'document';
}

/** The inverse of `pathText`. */
export function pathParts(text: string): readonly (string | number)[] {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((m) =>
    m[1] === undefined ? (m[2] ?? '') : Number(m[1]),
  );
}
