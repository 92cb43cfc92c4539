import type { OperationNews, OperationStanding } from '../../store/operation-news.ts';

/**
 * What other servers on the same store do to operations, as the journal shows it: of changes that
 * follow each other faster than it is looked, only the last is told.
 */
export class OperationsElsewhere {
  readonly #news: OperationNews;
  readonly #server: string;
  readonly #tell: (standing: OperationStanding) => void;
  #since: number | undefined;
  /** The revisions of what the last look has shown. */
  #told = new Map<string, number>();

  /** @param server this one: what it does itself is not told. */
  constructor(news: OperationNews, server: string, tell: (standing: OperationStanding) => void) {
    this.#news = news;
    this.#server = server;
    this.#tell = tell;
  }

  /** Tells what has changed since the last look; the first one tells nothing. @throws as the store */
  async look(): Promise<void> {
    const isFirst = this.#since === undefined;
    const { changed, at } = await this.#news.listSince(this.#since, this.#server);
    const before = this.#told;
    this.#since = at;
    this.#told = new Map(changed.map(({ id, revision }) => [id, revision]));
    if (isFirst) return;
    for (const standing of changed) {
      if ((before.get(standing.id) ?? 0) < standing.revision) this.#tell(standing);
    }
  }
}
