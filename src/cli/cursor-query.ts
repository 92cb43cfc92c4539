/** "Where is the cursor?" (ECMA-48 DSR 6): shells ask it, and only a terminal can answer. */
const QUERY = Buffer.from('\u001b[6n');

/**
 * Takes a shell's questions about the cursor out of a console's output, for output that goes to no
 * terminal. A question split between two pieces is found, too.
 */
export class CursorQueryFilter {
  #held = Buffer.alloc(0);

  take(bytes: Uint8Array): Buffer {
    const all = Buffer.concat([this.#held, bytes]);
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = all.indexOf(QUERY); at !== -1; at = all.indexOf(QUERY, from)) {
      parts.push(all.subarray(from, at));
      from = at + QUERY.length;
    }
    const rest = all.subarray(from);
    const begun = begunQuery(rest);
    this.#held = Buffer.from(rest.subarray(rest.length - begun));
    return Buffer.concat([...parts, rest.subarray(0, rest.length - begun)]);
  }
}

/** How many bytes at the end may be the beginning of a question. */
function begunQuery(bytes: Buffer): number {
  for (let length = QUERY.length - 1; length > 0; length--) {
    if (bytes.subarray(-length).equals(QUERY.subarray(0, length))) return length;
  }
  return 0;
}
