/**
 * Connects from inside a lab's network, as lab-client.ts asks: questions come as lines of JSON on
 * standard input, answers go as lines of JSON to standard output.
 */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  connect,
  connectGetHostname,
  connectGetUri,
  domainDefineXmlFlags,
  DomainEvent,
  domainUndefineFlags,
  isLibvirtError,
  storagePoolLookupByName,
  storageVolCreateXml,
  storageVolDelete,
  storageVolDownload,
  storageVolUpload,
  type Connection,
  type Wait,
} from '../../../src/libvirt/index.ts';
import type { Answer, Question } from './lab-client.ts';

const BYTES = 3 * 1024 * 1024;

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as Question & { readonly id: number };
  void answer(question).then((said) => tell(question.id, said));
}

function tell(id: number, answer: Answer): void {
  process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
}

async function answer({ id, uri, does, options, deadlineMs }: Question & { readonly id: number }) {
  const wait: Wait = { deadlineMs: deadlineMs ?? 20_000 };
  const { uid = 0, home, ...rest } = options ?? {};
  try {
    const connection = await connect(uri, { environment: { uid, home }, ...rest }, wait);
    const { hostname } = await connection.call(connectGetHostname, {}, wait);
    if (does === 'hold') {
      void connection.closed.then(({ error }) => tell(id, { closed: failureOf(error) }));
      return { hostname };
    }
    try {
      const opened = (await connection.call(connectGetUri, {}, wait)).uri;
      if (does === 'hostname') return { hostname, opened };
      return { hostname, opened, ...(await visit(connection, wait)) };
    } finally {
      await connection.close(wait);
    }
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/** Uses events and streams in both directions. */
async function visit(connection: Connection, wait: Wait): Promise<Partial<Answer>> {
  const feed = await connection.subscribe(DomainEvent.lifecycle, {}, wait);
  const xml =
    "<domain type='qemu'><name>seen</name><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>";
  const { dom } = await connection.call(domainDefineXmlFlags, { xml, flags: 0 }, wait);
  const event = await feed.take(wait);
  await connection.call(domainUndefineFlags, { dom, flags: 0 }, wait);
  await feed.close(wait);
  return { event: event.dom.name, bytes: await transfer(connection, wait) };
}

async function transfer(connection: Connection, wait: Wait): Promise<number> {
  const { pool } = await connection.call(storagePoolLookupByName, { name: 'default' }, wait);
  const xml = `<volume><name>sent.raw</name><capacity>${BYTES}</capacity></volume>`;
  const { vol } = await connection.call(storageVolCreateXml, { pool, xml, flags: 0 }, wait);
  const sent = randomBytes(BYTES);
  const range = { vol, offset: 0n, length: BigInt(BYTES), flags: 0 };
  const up = (await connection.openStream(storageVolUpload, range, wait)).stream;
  await pipeline(Readable.from([sent]), up);
  const parts: Buffer[] = [];
  const down = (await connection.openStream(storageVolDownload, range, wait)).stream;
  for await (const part of down) parts.push(part as Buffer);
  await connection.call(storageVolDelete, { vol, flags: 0 }, wait);
  return Buffer.concat(parts).equals(sent) ? BYTES : -1;
}

function failureOf(error: unknown): NonNullable<Answer['failure']> {
  if (isBerthError(error)) {
    const { code, message, hint, data } = error;
    return { code, message, hint, fault: 'fault' in data ? data.fault : undefined };
  }
  if (isLibvirtError(error))
    return { code: `libvirt ${error.code}`, message: error.message, hint: '' };
  return {
    code: 'none',
    message: error instanceof Error ? (error.stack ?? '') : String(error),
    hint: '',
  };
}
