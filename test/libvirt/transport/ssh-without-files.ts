/** Connects by SSH when this process has no file descriptor left, and prints what that fails with. */
import { closeSync, openSync } from 'node:fs';
import { BerthError } from '../../../src/base/errors.ts';
import { systemClock } from '../../../src/libvirt/rpc/clock.ts';
import { dialSsh } from '../../../src/libvirt/transport/dial-ssh.ts';
import { parseUri } from '../../../src/libvirt/uri.ts';

const files: number[] = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch {
  // All are taken now.
}
try {
  await dialSsh(parseUri('qemu+ssh://h/system'), false, systemClock, { deadlineMs: 5000 });
} catch (error) {
  for (const file of files) closeSync(file);
  const said = error instanceof BerthError ? error : undefined;
  console.log(said?.code, (said?.cause as NodeJS.ErrnoException | undefined)?.code);
}
