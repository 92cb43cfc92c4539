import { describe, test } from 'node:test';
import { skip } from '../daemon.ts';
import { cutConversations, recorded } from './cut-conversations.ts';

describe('a conversation', { skip, concurrency: false }, () => {
  for (const to of ['daemon', 'client'] as const) {
    test(`that is cut at any byte to the ${to} settles everything with what is known`, async (t) => {
      const { length } = (await recorded(t))[to];
      await cutConversations(
        t,
        to,
        Array.from({ length }, (_, at) => at),
      );
    });
  }
});
