const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** How long ago something was, in its largest unit: `3 min ago`; both in milliseconds. */
export function ageText(at: number, now: number): string {
  const ago = Math.max(0, now - at);
  const [unit, ms] = UNITS.find(([, size]) => ago >= size) ?? ['s', 1000];
  const count = Math.floor(ago / ms);
  return count === 0 ? 'just now' : `${count} ${unit} ago`;
}
