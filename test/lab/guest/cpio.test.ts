import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { writeCpio, type CpioEntry } from '../../../src/lab/guest/cpio.ts';
import { findProgram } from '../../../src/lab/system/system-path.ts';

interface Read {
  readonly path: string;
  readonly mode: number;
  readonly data: string;
  readonly device: readonly [number, number];
}

describe('a cpio archive', () => {
  test('reads back as it was written, and the same entries give the same bytes', () => {
    const path = fc.stringMatching(/^[a-z0-9._-]{1,40}$/);
    const data = fc.uint8Array({ maxLength: 200 });
    const mode = fc.constantFrom(0o644, 0o755, 0o600);
    const entry: fc.Arbitrary<CpioEntry> = fc.oneof(
      fc.record({ kind: fc.constant('folder'), path }),
      fc.record({ kind: fc.constant('file'), path, mode, data }),
      fc.record({ kind: fc.constant('link'), path, target: path }),
      fc.record({
        kind: fc.constant('device'),
        path,
        mode,
        device: fc.tuple(fc.nat(4095), fc.nat(65_535)),
      }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const archive = writeCpio(entries);
        assert.deepEqual(readCpio(archive), entries.map(expected));
        assert.deepEqual(writeCpio(entries), archive);
      }),
    );
  });

  test('is listed by the cpio program', async (t) => {
    if ((await findProgram('cpio')) === undefined) return t.skip('needs: cpio');
    const archive = writeCpio([
      { kind: 'folder', path: 'dev' },
      { kind: 'device', path: 'dev/console', mode: 0o600, device: [5, 1] },
      { kind: 'file', path: 'init', mode: 0o755, data: Buffer.from('#!/bin/sh\n') },
      { kind: 'link', path: 'sbin', target: 'bin' },
    ]);
    const { stdout, stderr, status } = spawnSync('cpio', ['-t', '-v', '--quiet'], {
      input: archive,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    assert.equal(status, 0, stderr);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replaceAll(/\s+/g, ' '));
    assert.deepEqual(lines, [
      'drwxr-xr-x 1 root root 0 Jan 1 1970 dev',
      'crw------- 1 root root 5, 1 Jan 1 1970 dev/console',
      '-rwxr-xr-x 1 root root 10 Jan 1 1970 init',
      'lrwxrwxrwx 1 root root 3 Jan 1 1970 sbin -> bin',
    ]);
  });
});

/** A second, independent reading of the format, as the kernel's init/initramfs.c does it. */
function readCpio(archive: Uint8Array): readonly Read[] {
  const bytes = Buffer.from(archive);
  const entries: Read[] = [];
  for (let offset = 0; ;) {
    assert.equal(bytes.toString('latin1', offset, offset + 6), '070701');
    const field = (index: number): number =>
      Number.parseInt(
        bytes.toString('latin1', offset + 6 + index * 8, offset + 14 + index * 8),
        16,
      );
    const nameEnd = offset + 110 + field(11);
    const path = bytes.toString('utf8', offset + 110, nameEnd - 1);
    const dataStart = Math.ceil(nameEnd / 4) * 4;
    const dataEnd = dataStart + field(6);
    if (path === 'TRAILER!!!') {
      assert.equal(dataEnd, bytes.length);
      return entries;
    }
    const data = bytes.toString('base64', dataStart, dataEnd);
    entries.push({ path, mode: field(1), data, device: [field(9), field(10)] });
    offset = Math.ceil(dataEnd / 4) * 4;
  }
}

function expected(entry: CpioEntry): Read {
  const base64 = (data: Uint8Array | string): string => Buffer.from(data).toString('base64');
  const { path } = entry;
  const device = [0, 0] as const;
  switch (entry.kind) {
    case 'folder':
      return { path, mode: 0o040_755, data: '', device };
    case 'file':
      return { path, mode: 0o100_000 + entry.mode, data: base64(entry.data), device };
    case 'link':
      return { path, mode: 0o120_777, data: base64(entry.target), device };
    case 'device':
      return { path, mode: 0o020_000 + entry.mode, data: '', device: entry.device };
  }
}
