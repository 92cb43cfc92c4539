import { berthError } from '../base/errors.ts';
import { NAME_PATTERN } from './spelling.ts';

/** The longest expression that is read. */
export const XPATH_LENGTH_MAX = 2000;

/** How deep brackets of an expression may nest. */
export const XPATH_DEPTH_MAX = 20;

/** A path of XPath: where it starts, what is kept of that, and the steps from there. */
export interface XPathPath {
  /** `root` for a leading slash, `here` for none; else a path in brackets, in document order. */
  readonly from: 'root' | 'here' | XPathPath;
  /** The predicates behind a path in brackets: `(//disk)[2]`. */
  readonly filters: readonly XPathValue[];
  readonly steps: readonly XPathStep[];
}

/** One step of a path: where it goes, what it keeps, and the predicates of that. */
export interface XPathStep {
  readonly axis: 'child' | 'attribute' | 'self' | 'parent' | 'descendant-or-self';
  readonly test: XPathTest;
  readonly predicates: readonly XPathValue[];
}

/** What a step keeps: `node` everything, `any` every element or attribute. */
export type XPathTest =
  | { readonly kind: 'node' }
  | { readonly kind: 'any' }
  | { readonly kind: 'text' }
  | { readonly kind: 'name'; readonly prefix: string; readonly local: string };

/** The comparisons of XPath 1.0. */
export type XPathComparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** The functions that a predicate may call. */
export type XPathFunction = keyof typeof ARGUMENT_COUNTS;

/** What may stand in a predicate. */
export type XPathValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'path'; readonly path: XPathPath }
  | { readonly kind: 'call'; readonly name: XPathFunction; readonly given: readonly XPathValue[] }
  | {
      readonly kind: 'compare';
      readonly by: XPathComparison;
      readonly left: XPathValue;
      readonly right: XPathValue;
    }
  | {
      readonly kind: 'and' | 'or';
      readonly left: XPathValue;
      readonly right: XPathValue;
    };

/**
 * Reads an expression of the subset of XPath 1.0 that people use to point at a place: child steps,
 * `//`, `.`, `..`, `@name`, `*`, `text()`, and predicates with positions, paths, comparisons, `and`,
 * `or` and some functions.
 * @throws BERTH_XPATH naming the character where it leaves the subset.
 */
export function parseXPath(expression: string): XPathPath {
  return new Reader(expression).read();
}

/** How many arguments each function takes: the least and the most. */
const ARGUMENT_COUNTS = {
  last: [0, 0],
  position: [0, 0],
  count: [1, 1],
  not: [1, 1],
  contains: [2, 2],
  'starts-with': [2, 2],
  'normalize-space': [0, 1],
  'local-name': [0, 1],
  name: [0, 1],
} as const;

interface Token {
  readonly kind: 'sign' | 'name' | 'number' | 'text' | 'end';
  readonly text: string;
  readonly offset: number;
}

const TOKEN = new RegExp(
  `(?<sign>//|::|\\.\\.|!=|<=|>=|[/@*=<>()[\\],]|\\.(?!\\d))` +
    `|(?<number>\\d+(?:\\.\\d*)?|\\.\\d+)|(?<text>"[^"]*"|'[^']*')` +
    `|(?<name>${NAME_PATTERN}(?::${NAME_PATTERN}|:\\*)?)`,
  'uy',
);

/** Reads an expression from left to right, one token ahead. */
class Reader {
  readonly #expression: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #inPredicate = false;

  constructor(expression: string) {
    this.#expression = expression;
    if (expression.length > XPATH_LENGTH_MAX) {
      throw berthError('BERTH_TOO_LARGE', {
        what: 'the length of the XPath expression',
        size: expression.length,
        max: XPATH_LENGTH_MAX,
      });
    }
    this.#tokens = this.#tokenise();
  }

  read(): XPathPath {
    if (this.#tokens.length === 1) this.#refuse('it is empty');
    const path = this.#path();
    if (this.#at < this.#tokens.length - 1) this.#refuseToken();
    return path;
  }

  #tokenise(): readonly Token[] {
    const tokens: Token[] = [];
    const length = this.#expression.trimEnd().length;
    let offset = this.#expression.length - this.#expression.trimStart().length;
    while (offset < length) {
      TOKEN.lastIndex = offset;
      const groups = TOKEN.exec(this.#expression)?.groups;
      const found = Object.entries(groups ?? {}).find(([, text]) => text !== undefined);
      if (found === undefined) this.#refuse('no part of a path', offset);
      const [kind, text] = found;
      // The names of the groups are the kinds.
      tokens.push({ kind: kind as Token['kind'], text, offset });
      offset += text.length;
      while (/\s/.test(this.#expression.charAt(offset))) offset++;
    }
    return [...tokens, { kind: 'end', text: '', offset: length }];
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', offset: this.#expression.length };
  }

  #isNext(sign: string): boolean {
    return this.#next.kind === 'sign' && this.#next.text === sign;
  }

  /** Takes the next token when it is that sign or word. */
  #takes(text: string, kind: Token['kind'] = 'sign'): boolean {
    const found = this.#next.kind === kind && this.#next.text === text;
    if (found) this.#at++;
    return found;
  }

  #path(): XPathPath {
    if (this.#takes('(')) return this.#bracketed();
    const { offset } = this.#next;
    const from = this.#isNext('/') || this.#isNext('//') ? 'root' : 'here';
    if (from === 'root' && this.#inPredicate) {
      this.#refuse('a path in a predicate starts where it stands', offset);
    }
    const anywhere = this.#takes('//');
    if (!anywhere) this.#takes('/');
    return { from, filters: [], steps: this.#steps(anywhere) };
  }

  #bracketed(): XPathPath {
    const from = this.#within(')', () => this.#path());
    const filters = this.#predicates();
    const anywhere = this.#takes('//');
    const goesOn = anywhere || this.#takes('/');
    return { from, filters, steps: goesOn ? this.#steps(anywhere) : [] };
  }

  /** @param anywhere whether `//` stood before the first of them. */
  #steps(anywhere: boolean): readonly XPathStep[] {
    const steps: XPathStep[] = [];
    for (let deep = anywhere; ; deep = this.#takes('//')) {
      if (deep) {
        if (this.#isNext('.') || this.#isNext('..')) this.#refuse('"//" is followed by a name');
        steps.push(ANYWHERE);
      }
      steps.push(this.#step());
      if (!this.#isNext('//') && !this.#takes('/')) return steps;
    }
  }

  #step(): XPathStep {
    if (this.#takes('.')) return { axis: 'self', test: { kind: 'node' }, predicates: [] };
    if (this.#takes('..')) return { axis: 'parent', test: { kind: 'node' }, predicates: [] };
    const axis = this.#takes('@') ? 'attribute' : 'child';
    const test = this.#test(axis);
    return { axis, test, predicates: this.#predicates() };
  }

  #test(axis: XPathStep['axis']): XPathTest {
    if (this.#takes('*')) return { kind: 'any' };
    const { kind, text, offset } = this.#next;
    if (kind !== 'name') this.#refuseToken('a step');
    this.#at++;
    if (this.#takes('::')) this.#refuse(`the axis "${text}" is not of the subset`, offset);
    if (this.#takes('(')) {
      const isEmpty = this.#takes(')');
      if (isEmpty && text === 'text' && axis === 'child') return { kind: 'text' };
      this.#refuse(`${text}() is no step of the subset`, offset);
    }
    const colon = text.indexOf(':');
    const local = text.slice(colon + 1);
    if (local === '*') this.#refuse(`"${text}" is not of the subset`, offset);
    return { kind: 'name', prefix: colon === -1 ? '' : text.slice(0, colon), local };
  }

  #predicates(): readonly XPathValue[] {
    const predicates: XPathValue[] = [];
    const outer = this.#inPredicate;
    while (this.#takes('[')) {
      this.#inPredicate = true;
      predicates.push(this.#within(']', () => this.#or()));
    }
    this.#inPredicate = outer;
    return predicates;
  }

  #or(): XPathValue {
    let left = this.#and();
    while (this.#takes('or', 'name')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): XPathValue {
    let left = this.#comparison();
    while (this.#takes('and', 'name')) left = { kind: 'and', left, right: this.#comparison() };
    return left;
  }

  #comparison(): XPathValue {
    let left = this.#value();
    for (;;) {
      const by = COMPARISONS.find((sign) => this.#takes(sign));
      if (by === undefined) return left;
      left = { kind: 'compare', by, left, right: this.#value() };
    }
  }

  #value(): XPathValue {
    const { kind, text } = this.#next;
    if (kind === 'text' || kind === 'number') {
      this.#at++;
      return kind === 'text' ? { kind, text: text.slice(1, -1) } : { kind, number: Number(text) };
    }
    const behind = this.#tokens[this.#at + 1];
    const isCall = kind === 'name' && behind?.kind === 'sign' && behind.text === '(';
    if (isCall && text !== 'text') return this.#call();
    if (!this.#takes('(')) return { kind: 'path', path: this.#path() };
    return this.#within(')', () => this.#or());
  }

  #call(): XPathValue {
    const { text, offset } = this.#next;
    if (!isFunction(text)) this.#refuse(`the function ${text}() is not of the subset`);
    this.#at += 2;
    const given = this.#takes(')') ? [] : this.#within(')', () => this.#arguments());
    const [least, most] = ARGUMENT_COUNTS[text];
    if (given.length < least || given.length > most) {
      this.#refuse(`${text}() does not take ${given.length} arguments`, offset);
    }
    return { kind: 'call', name: text, given };
  }

  #arguments(): readonly XPathValue[] {
    const given = [this.#or()];
    while (this.#takes(',')) given.push(this.#or());
    return given;
  }

  /** Reads what stands in brackets that have just been opened, and their end. */
  #within<T>(end: string, read: () => T): T {
    if (++this.#depth > XPATH_DEPTH_MAX) {
      this.#refuse(`brackets nest more than ${XPATH_DEPTH_MAX} deep`);
    }
    const inner = read();
    if (!this.#takes(end)) this.#refuse(`"${end}" is missing`);
    this.#depth--;
    return inner;
  }

  #refuseToken(wanted = 'an end'): never {
    const { kind, text } = this.#next;
    this.#refuse(kind === 'end' ? `${wanted} is missing` : `"${text}" cannot stand here`);
  }

  #refuse(problem: string, offset = this.#next.offset): never {
    const column = Array.from(this.#expression.slice(0, offset)).length + 1;
    throw berthError('BERTH_XPATH', {
      expression: this.#expression,
      why: 'subset',
      problem: `${problem}, at character ${column}`,
      expected: "a path such as /domain/devices/disk[2]/target/@dev or //mac[@address='…']",
    });
  }
}

const ANYWHERE: XPathStep = { axis: 'descendant-or-self', test: { kind: 'node' }, predicates: [] };

const COMPARISONS: readonly XPathComparison[] = ['=', '!=', '<=', '>=', '<', '>'];

function isFunction(name: string): name is XPathFunction {
  return Object.hasOwn(ARGUMENT_COUNTS, name);
}
