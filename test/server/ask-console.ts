import { once } from 'node:events';
import type { Client } from '../../src/api/client.ts';

/** Types a line into a console and waits until the guest has answered with `answer`. */
export async function askConsole(client: Client, name: string, line: string, answer: RegExp) {
  const socket = client.openConsole(name, { force: false });
  await once(socket, 'open');
  let seen = '';
  const nudge = setInterval(() => socket.send(Buffer.from(`${line}\n`)), 500);
  try {
    const signal = AbortSignal.timeout(60_000);
    while (!answer.test(seen)) {
      const [data] = (await once(socket, 'message', { signal })) as [Buffer];
      seen += data.toString('utf8');
    }
  } finally {
    clearInterval(nudge);
    socket.close();
    await once(socket, 'close');
  }
}
