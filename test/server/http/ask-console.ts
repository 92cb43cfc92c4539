import { createWebSocketStream } from 'ws';
import type { Client } from '../../../src/api/client.ts';
import { attachGuestShell } from '../../../src/lab/guest/guest-shell.ts';
import { BOOT_DEADLINE_MS } from '../../lab/tiny-guest.ts';

/** What a script of `sh` writes in a VM, run on its console as the server gives it; it must succeed. */
export async function askConsole(client: Client, name: string, script: string): Promise<string> {
  const console = createWebSocketStream(client.openConsole(name, { force: false }));
  await using shell = await attachGuestShell(console, name, { deadlineMs: BOOT_DEADLINE_MS });
  const { status, output } = await shell.script(script, { deadlineMs: 60_000 });
  if (status !== 0) throw new Error(`${script} in ${name} gave ${status}: ${output}`);
  return output;
}
