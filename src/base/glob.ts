/**
 * Whether a text is as a pattern says, in which `*` stands for any characters, also none, and `?` for
 * one. Takes at most pattern times text steps: a pattern from outside cannot make it slow.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let inPattern = 0;
  /** Behind the last star, and what of the text it has not taken yet. */
  let star: { readonly next: number; from: number } | undefined;
  while (at < text.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      inPattern += 1;
      star = { next: inPattern, from: at };
    } else if (wanted === '?' || wanted === text[at]) {
      inPattern += 1;
      at += 1;
    } else if (star === undefined) {
      return false;
    } else {
      star.from += 1;
      at = star.from;
      inPattern = star.next;
    }
  }
  while (pattern[inPattern] === '*') inPattern += 1;
  return inPattern === pattern.length;
}
