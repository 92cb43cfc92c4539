import { berthError } from '../base/errors.ts';

/** What `'` and `"` are to an attribute: the mark around its value. */
export type Quote = "'" | '"';

/**
 * Writes text content. `>` is spelled out too, because `]]>` may not stand in text, and a carriage
 * return is written as a reference, because a parser would turn it into a line feed.
 * @throws BERTH_SPEC_INVALID when the text holds a character that no XML document can carry.
 */
export function spellText(value: string, where: string): string {
  checkCharacters(value, where);
  return value.replace(/[&<>\r]/g, (char) => TEXT_SPELLINGS[char] ?? char);
}

/**
 * Writes an attribute's value for the quote around it. Tabs and line ends become references:
 * spelled as they are, a parser would turn them into spaces.
 * @throws BERTH_SPEC_INVALID when the value holds a character that no XML document can carry.
 */
export function spellAttribute(value: string, quote: Quote, where: string): string {
  checkCharacters(value, where);
  return value.replace(/[&<>\r\n\t'"]/g, (char) =>
    isQuote(char) && char !== quote ? char : (ATTRIBUTE_SPELLINGS[char] ?? char),
  );
}

/**
 * Checks the name of an element or attribute: a name of XML 1.0 (fifth edition) with at most one
 * prefix.
 * @throws BERTH_SPEC_INVALID
 */
export function checkName(name: string, what: string): void {
  if (isQualifiedName(name)) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: what,
    problem: `"${name}" cannot name it`,
    expected: 'an XML name such as memory or berth:vm',
  });
}

/** True for a name with at most one prefix, both parts names by themselves. */
export function isQualifiedName(name: string): boolean {
  return QUALIFIED_NAME.test(name);
}

/** The part of a qualified name before the colon; empty when there is none. */
export function prefixOf(name: string): string {
  const colon = name.indexOf(':');
  return colon === -1 ? '' : name.slice(0, colon);
}

/** The part of a qualified name after the colon; the whole name when there is none. */
export function localOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** White space as XML has it; narrower than JavaScript's, which also counts no-break spaces. */
export function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}

const TEXT_SPELLINGS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#13;',
};

const ATTRIBUTE_SPELLINGS: Readonly<Record<string, string>> = {
  ...TEXT_SPELLINGS,
  '\n': '&#10;',
  '\t': '&#9;',
  "'": '&apos;',
  '"': '&quot;',
};

// The productions NameStartChar and NameChar of XML 1.0, without the colon.
const NAME_START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}' +
  '\\u{200C}-\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}' +
  '\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NAME_REST = `${NAME_START}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}-\\u{2040}`;
/** A name without a prefix, as a regular expression with the `u` flag. */
export const NAME_PATTERN = `[${NAME_START}][${NAME_REST}]*`;
const QUALIFIED_NAME = new RegExp(`^(?:${NAME_PATTERN}:)?${NAME_PATTERN}$`, 'u');

// With the u flag a lone surrogate is a character of its own, so it is caught here as well.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

function isQuote(char: string): boolean {
  return char === "'" || char === '"';
}

function checkCharacters(value: string, where: string): void {
  const found = FORBIDDEN.exec(value)?.[0];
  if (found === undefined) return;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw berthError('BERTH_SPEC_INVALID', {
    where,
    problem: `the character U+${code} cannot stand in XML`,
    expected: 'text without control characters',
  });
}
