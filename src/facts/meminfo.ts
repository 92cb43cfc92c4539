/**
 * Reads `/proc/meminfo`, or a cell's `node/nodeN/meminfo` where each line starts with the cell.
 * @returns by name; amounts in kB as bytes, counts such as HugePages_Total as they are.
 */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const lines = text.matchAll(/^(?:Node \d+ )?([\w()]+):\s+(\d{1,12})( kB)?\s*$/gm);
  return new Map(
    lines.map(([, name = '', count = '', unit]) => [
      name,
      Number(count) * (unit === undefined ? 1 : 1024),
    ]),
  );
}
