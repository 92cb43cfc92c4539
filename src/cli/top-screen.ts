import { setTimeout as sleep } from 'node:timers/promises';
import { USAGE_FIGURES } from '../api/metrics.ts';
import type { UsageFigure } from '../api/metrics.ts';
import { painter } from './look.ts';
import { RawMode } from './raw-mode.ts';
import type { Session } from './session.ts';
import { topPage } from './top-page.ts';
import type { TopList } from './top-page.ts';

/** Figures are new every ten seconds; half of that is soon enough. */
const REFRESH_MS = 5000;
const ROWS_DEFAULT = 24;
/** Lines that are not rows of the table: the heading, the keys, and what is left out. */
const OTHER_LINES = 4;
/** Another screen without a cursor (xterm's control sequences), and back. */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
const HOME_AND_CLEAR = '\u001B[H\u001B[2J';
const CTRL_C = '\u0003';

/** Asks for those that use most, so many of them. */
export type AskTop = (sort: UsageFigure, limit: number) => Promise<TopList>;

/**
 * Shows what uses most until `q` is pressed: `c`, `w`, `m`, `d` and `n` sort by another figure. The
 * terminal is given back however it ends.
 */
export async function topScreen(session: Session, first: UsageFigure, ask: AskTop): Promise<void> {
  const { stdin, signal } = session.ports;
  const quit = new AbortController();
  const state = { sort: first, changed: new AbortController() };
  const press = (bytes: Buffer): void => {
    for (const key of bytes.toString('latin1')) {
      if (key === 'q' || key === CTRL_C) quit.abort();
      const figure = USAGE_FIGURES.find((each) => each.startsWith(key));
      if (figure !== undefined) state.sort = figure;
    }
    state.changed.abort();
  };
  using _raw = new RawMode(stdin);
  await session.print(ENTER);
  stdin.on('data', press);
  stdin.resume();
  try {
    const ended = AbortSignal.any([quit.signal, signal]);
    while (!ended.aborted) {
      state.changed = new AbortController();
      await session.print(await screen(session, state.sort, ask));
      const woken = AbortSignal.any([ended, state.changed.signal]);
      await sleep(REFRESH_MS, undefined, { signal: woken }).catch(() => undefined);
    }
  } finally {
    stdin.off('data', press);
    stdin.pause();
    await session.print(LEAVE);
  }
}

async function screen(session: Session, sort: UsageFigure, ask: AskTop): Promise<string> {
  const rows = session.ports.stdout.rows ?? ROWS_DEFAULT;
  const list = await ask(sort, Math.max(1, rows - OTHER_LINES));
  const { dim } = painter(session.out);
  const keys = dim('q quit   sort by: c cpu, w wait, m memory, d disk, n net');
  return `${HOME_AND_CLEAR}${keys}\n${topPage(list, sort, session.out)}`;
}
