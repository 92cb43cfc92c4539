import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { berthError, isBerthError } from '../../src/base/errors.ts';
import {
  connectGetHostname,
  domainOf,
  domainResume,
  type CallProcedure,
} from '../../src/libvirt/index.ts';
import { CallTable, QUEUE_MAX, WINDOW } from '../../src/libvirt/rpc/call-table.ts';
import { decodeFrame, FrameStatus, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import type { Taking } from '../../src/libvirt/rpc/pending-call.ts';
import { errorPayload, text, words } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

const DOM = domainOf('07070707-0707-0707-0707-070707070707');
const ENDING = berthError('BERTH_CONNECTION_CLOSED', { where: 'there', reason: 'it ended' });

/** What may happen to a connection, in any order. */
type Step =
  | { readonly do: 'call'; readonly effect: boolean; readonly deadlineMs: number }
  | { readonly do: 'reply'; readonly which: number; readonly how: keyof typeof REPLIES }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'refuse' };

const REPLIES = {
  good: (frame: Frame): Frame => ({
    ...frame,
    type: FrameType.reply,
    payload: frame.procedure === connectGetHostname.number ? text('h') : words(),
  }),
  refused: (frame: Frame): Frame => ({
    ...frame,
    type: FrameType.reply,
    status: FrameStatus.error,
    payload: errorPayload(42, 10, 'no'),
  }),
  unreadable: (frame: Frame): Frame => ({ ...frame, type: FrameType.reply, payload: words(9, 9) }),
  foreign: (frame: Frame): Frame => ({ ...frame, type: FrameType.reply, procedure: 110 }),
  unasked: (frame: Frame): Frame => ({ ...frame, type: FrameType.reply, serial: 99_999 }),
} as const;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      effect: fc.boolean(),
      deadlineMs: fc.integer({ min: 1, max: 50 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('reply' as const),
      which: fc.nat(8),
      how: fc.constantFrom(...(Object.keys(REPLIES) as (keyof typeof REPLIES)[])),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(30) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'refuse' as const }) },
);

/** One call of a run, with everything that happened to it. */
interface Made {
  readonly effect: boolean;
  readonly controller: AbortController;
  /** How often it was told each thing. */
  readonly told: { departed: number; accepted: number; gaveUp: number; late: number };
  outcome: { readonly value?: unknown; readonly error?: unknown } | undefined;
  settlements: number;
}

/** A table whose other side does what the steps say. */
class Run {
  readonly clock = new ManualClock();
  readonly made: Made[] = [];
  /** Sent and not answered, in the order of sending. */
  readonly onWire: Frame[] = [];
  readonly serials: number[] = [];
  stuck = 0;
  readonly table: CallTable;

  constructor() {
    this.table = new CallTable({
      clock: this.clock,
      isTaken: () => false,
      onStuck: () => this.stuck++,
      send: (message) => {
        const frame = decodeFrame(message, 0, message.length);
        this.onWire.push(frame);
        this.serials.push(frame.serial);
        assert.ok(this.onWire.length <= WINDOW, `${this.onWire.length} calls on the wire`);
      },
    });
  }

  take(one: Step): void {
    switch (one.do) {
      case 'call':
        return this.call(one.effect, one.deadlineMs);
      case 'reply':
        return this.reply(one.which, one.how);
      case 'abort':
        return this.made[one.which % Math.max(1, this.made.length)]?.controller.abort();
      case 'pass':
        return this.clock.advance(one.ms);
      case 'refuse':
        return this.table.refuse(ENDING);
    }
  }

  call(effect: boolean, deadlineMs: number): void {
    const controller = new AbortController();
    const told = { departed: 0, accepted: 0, gaveUp: 0, late: 0 };
    const made: Made = { effect, controller, told, outcome: undefined, settlements: 0 };
    this.made.push(made);
    const wait = { deadlineMs, signal: controller.signal };
    const settle = (outcome: Made['outcome']): void => {
      made.outcome = outcome;
      made.settlements++;
    };
    const make = <A, R>(procedure: CallProcedure<A, R>, args: A): void =>
      void this.table.call<A, R, R>(procedure, args, wait, counting<R>(told)).then(
        (value) => settle({ value }),
        (error: unknown) => settle({ error }),
      );
    if (effect) make(domainResume, { dom: DOM });
    else make(connectGetHostname, {});
  }

  reply(which: number, how: keyof typeof REPLIES): void {
    const index = which % Math.max(1, this.onWire.length);
    const frame = this.onWire[index];
    if (frame === undefined) return;
    if (how !== 'unasked') this.onWire.splice(index, 1);
    this.table.reply(REPLIES[how](frame));
  }
}

/** Counts what a call is told, and takes its result as it is. */
function counting<R>(told: Made['told']): Taking<R, R> {
  return {
    depart: () => void told.departed++,
    accept: (result) => {
      told.accepted++;
      return result;
    },
    gaveUp: () => void told.gaveUp++,
    late: () => void told.late++,
  };
}

describe('calls in any order of replies, deadlines, aborts and endings', () => {
  test('each settle once and never hang; at most four are on the wire, none twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const run = new Run();
        for (const one of steps) {
          run.take(one);
          await Promise.resolve();
        }
        run.table.end(ENDING);
        await new Promise((resolve) => setImmediate(resolve));
        for (const made of run.made) checkMade(made);
        assert.equal(new Set(run.serials).size, run.serials.length, 'a call was sent twice');
        assert.equal(run.clock.waiting, 0, 'a timer was left behind');
      }),
      { numRuns: 500 },
    );
  });

  test('leave whole those that are answered in time, whatever happens to the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const run = new Run();
        for (const one of steps) if (one.do !== 'refuse') run.take(one);
        while (run.onWire.length > 0) run.reply(0, 'good');
        run.call(true, 1000);
        run.reply(0, 'good');
        await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(run.made.at(-1)?.outcome, { value: {} });
        run.table.end(ENDING);
      }),
      { numRuns: 200 },
    );
  });
});

function checkMade({ effect, told, outcome, settlements }: Made): void {
  assert.equal(settlements, 1);
  assert.ok(outcome !== undefined);
  assert.ok(told.departed <= 1 && told.accepted <= 1 && told.gaveUp <= 1);
  assert.ok(told.accepted === 0 || told.gaveUp === 0, 'both answered and given up');
  assert.ok(told.late === 0 || told.gaveUp === 1, 'late without being given up');
  const unknown = isBerthError(outcome.error, 'BERTH_OUTCOME_UNKNOWN');
  assert.equal(unknown, effect && told.gaveUp === 1, 'unknown just where it was sent and lost');
  if ('value' in outcome) assert.equal(told.accepted, 1);
}

describe('a table', () => {
  const plain: Taking<{ readonly hostname: string }, string> = {
    accept: ({ hostname }) => hostname,
  };

  test('says once that it is stuck, when the last of the four is given up', async () => {
    const run = new Run();
    for (let i = 0; i < WINDOW; i++) run.call(false, 10 * (i + 1));
    run.clock.advance(30);
    assert.equal(run.stuck, 0);
    run.clock.advance(10);
    assert.equal(run.stuck, 1);
    run.table.end(ENDING);
  });

  test('is not stuck while one of the four is waited for, or has been answered late', async () => {
    const run = new Run();
    for (let i = 0; i < WINDOW; i++) run.call(false, 10);
    run.clock.advance(5);
    run.reply(0, 'good');
    run.call(false, 10);
    run.clock.advance(5);
    run.reply(0, 'good');
    run.call(false, 10);
    run.clock.advance(5);
    assert.equal(run.stuck, 0);
    run.table.end(ENDING);
  });

  test('sends those that wait in their order', async () => {
    const run = new Run();
    for (let i = 0; i < WINDOW + 3; i++) run.call(i % 2 === 0, 100);
    while (run.onWire.length > 0) run.reply(0, 'good');
    assert.deepEqual(
      run.serials,
      run.serials.toSorted((a, b) => a - b),
    );
    assert.equal(run.serials.length, WINDOW + 3);
    run.table.end(ENDING);
  });

  test('refuses the caller who never waits', async () => {
    const run = new Run();
    const all = Array.from({ length: WINDOW + QUEUE_MAX }, async () =>
      run.table.call(connectGetHostname, {}, { deadlineMs: 100 }, plain),
    );
    const settled = Promise.allSettled(all);
    const one = run.table.call(connectGetHostname, {}, { deadlineMs: 100 }, plain);
    await assert.rejects(one, coded('BERTH_TOO_LARGE'));
    run.table.end(ENDING);
    assert.ok((await settled).every(({ status }) => status === 'rejected'));
  });

  test('needs one timer for all deadlines, and keeps each to the millisecond', async () => {
    const run = new Run();
    run.call(false, 30);
    run.call(false, 10);
    run.call(false, 20);
    assert.equal(run.clock.waiting, 1);
    for (const [passed, expired] of [
      [9, 0],
      [1, 1],
      [10, 2],
      [10, 3],
    ] as const) {
      run.clock.advance(passed);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(run.made.filter(({ outcome }) => outcome !== undefined).length, expired);
    }
    run.table.end(ENDING);
  });
});
