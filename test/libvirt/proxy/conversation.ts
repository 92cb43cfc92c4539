import assert from 'node:assert/strict';
import {
  connect,
  connectGetHostname,
  domainGetXmlDesc,
  DomainEvent,
  domainLookupByName,
  domainResume,
  domainSuspend,
  type Connection,
} from '../../../src/libvirt/index.ts';

/** Longer than anything here takes: what waits for it hangs. */
export const WAIT = { deadlineMs: 30_000 };

/** What came of a conversation: the answers in their order, then the events. */
export type Heard = readonly unknown[];

/** Calls with and without effect, and events, with the default domain of libvirt's test driver. */
export async function converse(uri: string, into: unknown[] = []): Promise<Heard> {
  await using connection = await open(uri);
  const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
  into.push((await connection.call(connectGetHostname, {}, WAIT)).hostname);
  const { dom } = await connection.call(domainLookupByName, { name: 'test' }, WAIT);
  await connection.call(domainSuspend, { dom }, WAIT);
  into.push('suspended');
  const [{ xml }] = await Promise.all([
    connection.call(domainGetXmlDesc, { dom }, WAIT),
    connection.call(domainResume, { dom }, WAIT),
  ]);
  into.push(xml);
  const events = [await feed.take(WAIT), await feed.take(WAIT)];
  into.push(events.map(({ event, detail, dom: { name } }) => ({ event, detail, name })));
  return into;
}

/** Without keepalive, whose packets would come at moments of their own. */
export async function open(uri: string): Promise<Connection> {
  const environment = { uid: 0 };
  return connect(uri, { environment, keepalive: 'off' }, WAIT);
}

/** Where each message ends in what one side sent. */
export function messageEnds(bytes: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length;) ends.push((at += bytes.readUInt32BE(at)));
  assert.equal(ends.at(-1), bytes.length);
  return ends;
}
