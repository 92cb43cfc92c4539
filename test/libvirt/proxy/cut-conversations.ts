import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  domainGetState,
  domainLookupByName,
  domainResume,
  DomainState,
  isLibvirtError,
  type Connection,
} from '../../../src/libvirt/index.ts';
import type { Way } from '../../server/relay.ts';
import { open as openDirect } from '../daemon.ts';
import { converse, WAIT, type Heard } from './conversation.ts';
import { cutting, proxied, recording, type Cut } from './tamper.ts';

/** What a whole conversation carries in either direction. */
export async function recorded(t: TestContext): Promise<Record<Way['to'], Buffer>> {
  const into = { daemon: [], client: [] };
  const { uri } = await proxied(t, recording(into));
  await converse(uri('test'));
  return { daemon: Buffer.concat(into.daemon), client: Buffer.concat(into.client) };
}

/**
 * Cuts a conversation behind each of these numbers of bytes. What was heard before is right, and
 * what failed failed for what is known: with a command on its way, that may be nothing.
 */
export async function cutConversations(
  t: TestContext,
  to: Way['to'],
  places: readonly number[],
): Promise<void> {
  const direct = await openDirect(t, 'test');
  const { uri } = await proxied(t, (from, into) => void from.pipe(into));
  const whole = await converse(uri('test'));
  for (const afterBytes of places) {
    const where = `cut behind byte ${afterBytes} to the ${to}`;
    let told = await cutOnce(t, { to, connection: 0, afterBytes });
    // A command of the conversation cut before may have been carried out in the middle of this one.
    while (isLibvirtError(told.error)) {
      await letRun(direct);
      told = await cutOnce(t, { to, connection: 0, afterBytes });
    }
    checkHeard(told, whole, where);
    await letRun(direct);
  }
}

interface Told {
  readonly heard: Heard;
  readonly error: unknown;
}

async function cutOnce(t: TestContext, cut: Cut): Promise<Told> {
  const { uri, proxy } = await proxied(t, cutting(cut));
  const heard: unknown[] = [];
  try {
    await converse(uri('test'), heard);
    return { heard, error: undefined };
  } catch (error) {
    return { heard, error };
  } finally {
    await proxy.cut();
  }
}

async function letRun(direct: Connection): Promise<void> {
  const { dom } = await direct.call(domainLookupByName, { name: 'test' }, WAIT);
  const { state } = await direct.call(domainGetState, { dom }, WAIT);
  if (state !== DomainState.running) await direct.call(domainResume, { dom }, WAIT);
}

function checkHeard({ heard, error }: Told, whole: Heard, where: string): void {
  assert.deepEqual(heard, whole.slice(0, heard.length), where);
  if (heard.length === whole.length) return assert.equal(error, undefined, where);
  const known =
    isBerthError(error, 'BERTH_CONNECTION_CLOSED') || isBerthError(error, 'BERTH_OUTCOME_UNKNOWN');
  assert.ok(known, `${where}: ${String(error)}`);
}
