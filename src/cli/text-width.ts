import stringWidth from 'string-width';

/**
 * Text of nothing but colours, ASCII and what drawings are made of, all of it one column wide.
 * Drawings are measured thousands of times, and the general way takes each letter for a possible
 * emoji.
 */
// oxlint-disable-next-line no-control-regex -- colours are what takes no column
const NARROW = /^(?:[\u0020-\u007e·×›≈\u2500-\u25a1○]|\u001b\[[\d;]*m)*$/;
// oxlint-disable-next-line no-control-regex -- colours are what takes no column
const COLOURS = /\u001b\[[\d;]*m/g;

/** The columns that text takes on a terminal; colours take none. */
export function textWidth(text: string): number {
  if (!NARROW.test(text)) return stringWidth(text);
  return text.includes('\u001b') ? text.replace(COLOURS, '').length : text.length;
}
