const SPACE = /[ \t\r\n]*/y;
const COLON = /[ \t\r\n]*:/y;
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
/** What stands in a string up to an escape or its end. A pattern of whole strings overflows on long ones. */
const PLAIN = /[^"\\\u0000-\u001f]*/y; // oxlint-disable-line no-control-regex -- JSON forbids them
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Where a text stops being JSON, as an index into it: `JSON.parse` tells that of some faults only.
 * The text's length where it is JSON, or ends too early.
 */
export function jsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let at = after(SPACE, text, 0);
  for (;;) {
    // A value, or the end of a list or mapping that is still empty.
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(character);
      at = after(SPACE, text, at + 1);
      if (text[at] !== closing(open.at(-1))) {
        const value = open.at(-1) === '{' ? keyEnd(text, at) : at;
        if (value === undefined) return at;
        at = after(SPACE, text, value);
        continue;
      }
    } else {
      const end = text[at] === '"' ? afterString(text, at) : after(WORD, text, at);
      if (end === at) return at;
      at = after(SPACE, text, end);
    }
    // What follows a value: ends of what it is in, then the next one.
    while (open.length > 0 && text[at] === closing(open.at(-1))) {
      open.pop();
      at = after(SPACE, text, at + 1);
    }
    if (open.length === 0 || text[at] !== ',') return at;
    const next = after(SPACE, text, at + 1);
    const value = open.at(-1) === '{' ? keyEnd(text, next) : next;
    if (value === undefined) return next;
    at = after(SPACE, text, value);
  }
}

function keyEnd(text: string, at: number): number | undefined {
  const end = afterString(text, at);
  const value = after(COLON, text, end);
  return end === at || value === end ? undefined : value;
}

/** The index after the string that begins there; the same where none does. */
function afterString(text: string, from: number): number {
  if (text[from] !== '"') return from;
  for (let at = from + 1; ;) {
    at = after(PLAIN, text, at);
    if (text[at] === '"') return at + 1;
    const end = after(ESCAPE, text, at);
    if (end === at) return from;
    at = end;
  }
}

function closing(opening: '{' | '[' | undefined): string {
  return opening === '{' ? '}' : ']';
}

/** The index after what the pattern matches there; the same where it does not. */
function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
