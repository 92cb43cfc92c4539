import type { DomainNews } from '../../../src/host/domain-feed.ts';
import { HostLink, unreachable } from '../../../src/host/host-link.ts';
import type { HostAddress } from '../../../src/host/host-link.ts';
import type { KeptWay, LinkKeeper } from '../../../src/host/kept-link.ts';
import { SimulatedConnection } from './simulated-connection.ts';
import type { ConnectionSetting } from './simulated-connection.ts';
import type { ToldKind } from './simulated-domains.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** How the news of a host come through, which is not always well. */
export interface NewsChance {
  readonly isLost: () => boolean;
  readonly isTwice: () => boolean;
  /** Milliseconds for which one is held up, with those of its kind behind it. */
  readonly heldUpMs: () => number;
}

/** What ways are made of. */
export interface WaySetting extends Pick<
  ConnectionSetting,
  'clock' | 'chance' | 'pass' | 'onSent'
> {
  /** Settles while the process runs: at once, or when it goes on after it was stopped. */
  readonly running: () => Promise<void>;
  /** False once the process that keeps it up has died: it does nothing any more. */
  readonly isAlive: () => boolean;
  readonly news: NewsChance;
}

/** As the real client: pauses between attempts, doubled up to the longest. */
const BACKOFF_MS = { first: 200, longest: 30_000, steady: 5000 };
const CONNECT_MS = 10;
const TAKE_IN_MS = 600_000;

/**
 * A way to a simulated host that comes back by itself, as `KeptLink` keeps one: whole reading on each
 * new connection before it is open, news of each kind in their order, a reading of everything where
 * news were lost.
 */
export class SimulatedWay implements KeptWay {
  readonly #host: SimulatedHost;
  readonly #address: HostAddress;
  readonly #keeper: LinkKeeper;
  readonly #setting: WaySetting;
  #connection: SimulatedConnection | undefined;
  readonly #stop = new AbortController();
  #wake: () => void = () => {};

  constructor(host: SimulatedHost, address: HostAddress, keeper: LinkKeeper, setting: WaySetting) {
    this.#host = host;
    this.#address = address;
    this.#keeper = keeper;
    this.#setting = setting;
    void this.#keepUp();
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('it was closed here'));
    this.#connection?.cut('it was closed here');
    this.#wake();
  }

  /** The process that kept it up is gone. */
  abandon(): void {
    this.#connection?.cut('its client has died');
  }

  get #goesOn(): boolean {
    return !this.#stop.signal.aborted && this.#setting.isAlive();
  }

  async #keepUp(): Promise<void> {
    const { clock, chance } = this.#setting;
    await Promise.resolve();
    for (let failures = 0; this.#goesOn;) {
      const since = clock.elapsed;
      const openMs = await this.#oneConnection();
      if (!this.#goesOn) return;
      const isSteady = openMs >= BACKOFF_MS.steady && clock.elapsed > since;
      failures = isSteady ? 1 : failures + 1;
      const { first, longest } = BACKOFF_MS;
      const most = Math.min(longest, first * 2 ** Math.min(failures - 1, 20));
      await this.#pause(most * (0.5 + chance.next() / 2));
      await this.#setting.running();
    }
  }

  /** @returns for how many milliseconds it was open. */
  async #oneConnection(): Promise<number> {
    const { clock } = this.#setting;
    const address = this.#address;
    let refusal: unknown;
    let since: number | undefined;
    let leave: (() => void) | undefined;
    try {
      leave = await this.#keeper.leave?.(this.#stop.signal);
      await clock.sleep(CONNECT_MS);
      if (!this.#host.isUp) throw new Error('connection refused');
      const news = new NewsRows(this.#keeper, this.#setting, (reason) => connection.cut(reason));
      const connection = new SimulatedConnection(this.#host, {
        ...this.#setting,
        onNews: (kind, uuid) => news.hear(kind, uuid),
      });
      this.#connection = connection;
      const link = await HostLink.over(address, connection, { deadlineMs: TAKE_IN_MS });
      const gone = new AbortController();
      const ended = connection.closed.then(({ error }) => Promise.reject(error));
      ended.catch((error: unknown) => gone.abort(error));
      const wait = { deadlineMs: TAKE_IN_MS, signal: gone.signal };
      const taking = this.#keeper.takeIn(link, wait);
      await Promise.race([
        taking.catch((error: unknown) => {
          refusal = error;
          throw error;
        }),
        ended,
      ]);
      since = clock.elapsed;
      await this.#setting.running();
      leave?.();
      this.#keeper.open(link);
      news.open(link);
      await ended;
    } catch (error) {
      await this.#setting.running();
      if (!this.#setting.isAlive()) return 0;
      leave?.();
      this.#connection?.cut('it is of no use');
      this.#connection = undefined;
      this.#keeper.lost(error === refusal ? error : unreachable(address, error));
    }
    return since === undefined ? 0 : clock.elapsed - since;
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const cancel = this.#setting.clock.after(ms, resolve);
    await promise;
    cancel();
  }
}

/** The news of one connection: a row for each kind, read one after the other once it is open. */
class NewsRows {
  readonly #keeper: LinkKeeper;
  readonly #setting: WaySetting;
  readonly #renew: (reason: string) => void;
  readonly #rows = new Map<ToldKind, { news: DomainNews[]; isRead: boolean; hasGap: boolean }>();
  #link: HostLink | undefined;

  constructor(keeper: LinkKeeper, setting: WaySetting, renew: (reason: string) => void) {
    this.#keeper = keeper;
    this.#setting = setting;
    this.#renew = renew;
  }

  hear(kind: ToldKind, uuid: string): void {
    const { isLost, isTwice } = this.#setting.news;
    const row = this.#rows.get(kind) ?? { news: [], isRead: false, hasGap: false };
    this.#rows.set(kind, row);
    const news: DomainNews = { kind: 'changed', uuid };
    // What comes behind a gap that was not read yet is part of it.
    if (row.hasGap) return;
    if (isLost()) {
      row.hasGap = true;
      row.news.push({ kind: 'resync' });
    } else row.news.push(...(isTwice() ? [news, news] : [news]));
    void this.#read(kind);
  }

  open(link: HostLink): void {
    this.#link = link;
    for (const kind of this.#rows.keys()) void this.#read(kind);
  }

  async #read(kind: ToldKind): Promise<void> {
    const link = this.#link;
    const row = this.#rows.get(kind);
    if (link === undefined || row === undefined || row.isRead) return;
    row.isRead = true;
    const { clock, news, isAlive } = this.#setting;
    try {
      for (let next = row.news.shift(); next !== undefined; next = row.news.shift()) {
        const heldUpMs = news.heldUpMs();
        if (heldUpMs > 0) await clock.sleep(heldUpMs);
        await this.#setting.running();
        if (next.kind === 'resync') row.hasGap = false;
        if (isAlive()) await this.#keeper.apply(link, next);
      }
    } catch (error) {
      this.#renew(error instanceof Error ? error.message : String(error));
    } finally {
      row.isRead = false;
    }
  }
}
