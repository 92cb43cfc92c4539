/**
 * Characters that a terminal obeys instead of showing: C0 and C1 controls, line separators, and the
 * marks that reverse the reading direction. Names and messages from hosts may contain any of them.
 */
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text with everything a terminal would obey spelt out, e.g. `\x1b`. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

/** A resource with every text in it made printable; called once, before anything is laid out. */
export function printable<T>(resource: T): T {
  // A mapping of texts to texts keeps the shape, which the compiler cannot follow.
  return printableValue(resource) as T;
}

/** One JSON document, indented, safe on a terminal: escapes mean the same to every JSON parser. */
export function jsonText(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2));
}

/** The same in one line, for many documents one after the other. */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value));
}

function escaped(json: string): string {
  const text = json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

function printableValue(value: unknown): unknown {
  if (typeof value === 'string') return printableText(value);
  if (Array.isArray(value)) return value.map(printableValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [printableText(key), printableValue(entry)]),
  );
}
