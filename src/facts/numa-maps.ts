/** Memory of a process on one cell in pages of one size. */
export interface CellUse {
  readonly cell: number;
  readonly pageKiB: number;
  readonly bytes: number;
}

/**
 * Sums `/proc/<pid>/numa_maps`: where a process' memory really lies. Pages that are shared count
 * in full. Transparent huge pages count as the ordinary pages that the kernel lists them as.
 * @returns ascending by cell, then by page size.
 */
export function parseNumaMaps(text: string): readonly CellUse[] {
  const sums = new Map<string, CellUse>();
  for (const line of text.split('\n')) {
    const size = / kernelpagesize_kB=(\d{1,9})\b/.exec(line)?.[1];
    if (size === undefined) continue;
    const pageKiB = Number(size);
    for (const [, node = '', pages = ''] of line.matchAll(/ N(\d{1,5})=(\d{1,15})\b/g)) {
      const cell = Number(node);
      const before = sums.get(`${cell} ${pageKiB}`)?.bytes ?? 0;
      const bytes = before + Number(pages) * pageKiB * 1024;
      sums.set(`${cell} ${pageKiB}`, { cell, pageKiB, bytes });
    }
  }
  return [...sums.values()].toSorted((a, b) => a.cell - b.cell || a.pageKiB - b.pageKiB);
}
