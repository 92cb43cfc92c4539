import { z } from 'zod';

/** How many things a page has where the request does not say. */
export const PAGE_LIMIT_DEFAULT = 1000;
/** How many things a page may have. */
export const PAGE_LIMIT_MAX = 10_000;
/** How many things a client asks for at once that wants all: no page keeps the server for long. */
const WALK_LIMIT = 2000;
/** The longest cursor that the server gives out is far shorter. */
const CURSOR_CHARS_MAX = 2048;

/** What every list is asked with. */
export const pageQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(PAGE_LIMIT_MAX)
    .default(PAGE_LIMIT_DEFAULT)
    .describe('how many things the page may have'),
  cursor: z
    .string()
    .max(CURSOR_CHARS_MAX)
    .optional()
    .describe('`next` of the page before; absent: the first page'),
});

/** Where a page begins, and how long it may be. */
export type PageQuery = z.output<typeof pageQuery>;

/** `next` of an answer: what to ask for the page after it; absent on the last. */
export const nextCursor = z
  .string()
  .optional()
  .describe('`cursor` of the next page; absent: no more');

/** Some of many things, and where the rest begins. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Which page a client asks for. */
export interface PageAsk {
  readonly limit?: number | undefined;
  /** `next` of the page before; absent: the first. */
  readonly cursor?: string | undefined;
}

/** Every thing of every page, asked for as they are wanted. */
export async function* walkPages<T>(
  ask: (page: PageAsk) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  for (let cursor: string | undefined; ;) {
    const page = await ask({ limit: WALK_LIMIT, cursor });
    yield* page.items;
    if (page.next === undefined) return;
    cursor = page.next;
  }
}

/** Every thing of every page, gathered. */
export async function allOfPages<T>(
  ask: (page: PageAsk) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const thing of walkPages(ask)) all.push(thing);
  return all;
}
