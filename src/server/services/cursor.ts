import { berthError } from '../../base/errors.ts';

/** The place of a thing in a list: its values in the order of the list. */
export type SortKey = readonly (string | number)[];

/**
 * The cursor of the page that begins after a place. It names the order of the list, too: a cursor of
 * one list means nothing in another.
 */
export function cursorAfter(order: string, key: SortKey): string {
  return Buffer.from(JSON.stringify([order, ...key])).toString('base64url');
}

/**
 * The place that a cursor stands for; undefined for the first page.
 * @param like a key of the list, of which only the types of its values count.
 * @throws BERTH_SPEC_INVALID for what is not a cursor of this very list.
 */
export function placeOf(
  cursor: string | undefined,
  order: string,
  like: SortKey,
): SortKey | undefined {
  if (cursor === undefined) return undefined;
  const parts = partsOf(cursor);
  const [first, ...key] = parts ?? [];
  const fits =
    first === order &&
    key.length === like.length &&
    key.every((value, index) => typeof value === typeof like[index]);
  if (fits) return key as SortKey;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'cursor',
    problem: 'it is not a cursor of this list',
    expected: '`next` of the page before, asked for with the same sort',
  });
}

/** Whether one place comes before another. */
export function comesBefore(one: SortKey, other: SortKey): boolean {
  for (const [index, value] of one.entries()) {
    const against = other[index];
    if (against === undefined) return false;
    if (value !== against) return value < against;
  }
  return false;
}

function partsOf(cursor: string): readonly unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}
