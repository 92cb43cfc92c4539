import type { TestContext } from 'node:test';
import {
  lastingConnection,
  type LastingConnection,
  type LastingOptions,
  type LinkState,
} from '../../src/libvirt/index.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

/** Pauses of the stage's lasting connection. */
export const BACKOFF = { firstMs: 100, longestMs: 1000, steadyMs: 60_000 };

/** Every state so far, and a wait for the next of a kind. */
class States {
  readonly seen: LinkState[] = [];
  readonly #watchers: (() => void)[] = [];
  #read = 0;

  readonly hear = (state: LinkState): void => {
    this.seen.push(state);
    for (const watcher of this.#watchers.splice(0)) watcher();
  };

  async next<P extends LinkState['phase']>(phase: P): Promise<LinkState & { readonly phase: P }> {
    for (;;) {
      const state = this.seen[this.#read];
      if (state === undefined) {
        await new Promise<void>((resolve) => this.#watchers.push(resolve));
        continue;
      }
      this.#read++;
      if (state.phase === phase) return state as LinkState & { readonly phase: P };
    }
  }
}

/** A lasting connection to a fake daemon, on a clock that the test moves. */
export interface Stage {
  readonly fake: FakeDaemon;
  readonly clock: ManualClock;
  readonly states: States;
  readonly lasting: LastingConnection;
}

/** Makes one, with the daemon listening; `opening` replaces replies of its opening sequence. */
export async function stage(
  t: TestContext,
  options: Partial<LastingOptions> = {},
  opening?: Parameters<typeof FakeDaemon.start>[1],
): Promise<Stage> {
  const fake = await FakeDaemon.start(t, opening);
  const clock = new ManualClock();
  const states = new States();
  const lasting = lastingConnection(fake.uri, {
    environment: { uid: 0 },
    keepalive: 'off',
    clock,
    random: () => 0,
    backoff: BACKOFF,
    onState: states.hear,
    ...options,
  });
  t.after(async () => {
    fake.die();
    await lasting.close({ deadlineMs: 1000 });
  });
  return { fake, clock, states, lasting };
}

/** Lets the daemon die and come back, up to a new connection. */
export async function restart({ fake, clock, states }: Stage): Promise<void> {
  fake.die();
  const { retryInMs } = await states.next('away');
  await fake.listen();
  clock.advance(retryInMs);
}
