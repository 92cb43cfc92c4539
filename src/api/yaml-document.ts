import { isAlias, isNode, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document } from 'yaml';
import { berthError, isBerthError } from '../base/errors.ts';
import { pathParts } from './schema-error.ts';

/** Larger files are refused before they are parsed. */
export const SPEC_FILE_BYTES_MAX = 4 * 1024 * 1024;

/** One document of a YAML (or JSON, which is YAML) file, not checked yet. */
export interface YamlDocument {
  readonly value: unknown;
  /**
   * Runs a check of `value`; what it finds wrong gets the line and column of the offending key.
   * @throws BERTH_SPEC_INVALID
   */
  readonly check: <T>(parse: (value: unknown) => T) => T;
}

/**
 * Reads the documents of a file, those that are empty left out.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID with the line and column of what is not YAML, BERTH_TOO_LARGE.
 */
export function parseYamlDocuments(text: string, where: string): readonly YamlDocument[] {
  if (text.length > SPEC_FILE_BYTES_MAX) {
    const size = text.length;
    throw berthError('BERTH_TOO_LARGE', { what: where, size, max: SPEC_FILE_BYTES_MAX });
  }
  const lines = new LineCounter();
  const parsed = tamed(where, () =>
    parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true }),
  );
  const documents = 'empty' in parsed ? [] : parsed;
  return documents
    .filter((document) => {
      checkAliases(document, lines, where);
      return document.errors.length > 0 || valueOf(document, where) !== null;
    })
    .map((document) => readDocument(document, lines, where));
}

function readDocument(document: Document.Parsed, lines: LineCounter, where: string): YamlDocument {
  const [error] = document.errors;
  if (error !== undefined) {
    const position = lines.linePos(error.pos[0]);
    throw berthError('BERTH_SPEC_INVALID', {
      where,
      line: position.line,
      column: position.col,
      problem: problemIn(error.message),
      expected: 'valid YAML',
    });
  }
  const value = valueOf(document, where);
  return {
    value,
    check: (parse) => {
      try {
        return parse(value);
      } catch (failure) {
        if (!isBerthError(failure, 'BERTH_SPEC_INVALID')) throw failure;
        const position = positionOf(document, lines, pathParts(failure.data.where));
        throw berthError('BERTH_SPEC_INVALID', {
          ...failure.data,
          ...(position === undefined ? {} : { line: position.line, column: position.col }),
          where,
          problem: `${failure.data.where}: ${failure.data.problem}`,
        });
      }
    },
  };
}

/** More than this of a message is a piece of the file, which may be no text at all. */
const PROBLEM_CHARS_MAX = 120;

/** The library's own words, short; the end of the stack is one of its messages, too. */
function problemIn(message: string): string {
  if (message.startsWith('Maximum call stack')) return 'it is nested too deeply';
  const [line = ''] = message.split('\n', 1);
  const said = line.replace(/ at line \d+.*$/, '');
  return said.length > PROBLEM_CHARS_MAX ? `${said.slice(0, PROBLEM_CHARS_MAX)}...` : said;
}

/** An alias stands for an anchor above it. */
function checkAliases(document: Document.Parsed, lines: LineCounter, where: string): void {
  const anchors = new Set<string>();
  tamed(where, () =>
    visit(document, (_, node) => {
      if (isAlias(node) && !anchors.has(node.source)) {
        const position = lines.linePos(node.range?.[0] ?? 0);
        throw berthError('BERTH_SPEC_INVALID', {
          where,
          line: position.line,
          column: position.col,
          problem: `*${node.source} stands for nothing`,
          expected: `&${node.source} at what it stands for, above it`,
        });
      }
      if (isNode(node) && 'anchor' in node && node.anchor !== undefined) anchors.add(node.anchor);
    }),
  );
}

/** Aliases of aliases can make a few lines mean gigabytes. */
const ALIASES_MAX = 100;

function valueOf(document: Document.Parsed, where: string): unknown {
  return tamed(where, (): unknown => document.toJS({ maxAliasCount: ALIASES_MAX }));
}

/** The library throws for too many aliases and, by way of the stack, for too deep a nesting. */
function tamed<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (isBerthError(cause)) throw cause;
    const problem = 'it is nested too deeply, or its aliases stand for too much';
    const expected = 'a document of ordinary depth';
    throw berthError('BERTH_SPEC_INVALID', { where, problem, expected }, { cause });
  }
}

/** Where a key stands; for a missing one, where its nearest existing parent does. */
function positionOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly (string | number)[],
): { line: number; col: number } | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const start = keyStart(parent, last) ?? nodeStart(document.getIn(path.slice(0, length), true));
    if (start !== undefined) return lines.linePos(start);
  }
  const start = nodeStart(document.contents);
  return start === undefined ? undefined : lines.linePos(start);
}

function keyStart(parent: unknown, key: string | number | undefined): number | undefined {
  const items: unknown =
    typeof parent === 'object' && parent !== null && 'items' in parent ? parent.items : undefined;
  if (!Array.isArray(items)) return undefined;
  for (const item of items as readonly unknown[]) {
    const itemKey: unknown =
      typeof item === 'object' && item !== null && 'key' in item ? item.key : undefined;
    if (isScalar(itemKey) && String(itemKey.value) === String(key)) return itemKey.range?.[0];
  }
  return undefined;
}

function nodeStart(node: unknown): number | undefined {
  const range: unknown =
    typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
