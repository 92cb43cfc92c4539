import { runCommand } from '../../../src/lab/system/run-command.ts';

/** Asks, and says what `answer` was set to as JSON; bytes as hexadecimal digits. */
const SCRIPT = `
import json, libvirt, sys
libvirt.registerErrorHandler(lambda *_: None, None)
conn = libvirt.open(sys.argv[1])
scope = {'conn': conn, 'libvirt': libvirt}
exec(sys.argv[2], scope)
print(json.dumps(scope['answer'], default=lambda value: value.hex()))
`;

/**
 * What libvirt's own client says, asked the same: runs statements that set `answer`, with `conn`
 * open at the URI, and gives that as the JSON which it makes.
 */
export async function askPython(uri: string, statements: string): Promise<unknown> {
  const argv = ['/usr/bin/python3', '-c', SCRIPT, uri, statements] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: 60_000 });
  return JSON.parse(stdout);
}
