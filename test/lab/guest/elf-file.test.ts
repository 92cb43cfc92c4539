import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStaticProgram, readElfNeeds } from '../../../src/lab/guest/elf-file.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';

const arch = machineArch(process.arch);
const other = arch === 'x86_64' ? 'aarch64' : 'x86_64';

test('a program that needs a loader, or is none, is not taken for a static one', async () => {
  assert.equal(isStaticProgram(await readFile(process.execPath), arch), false);
  assert.equal(isStaticProgram(Buffer.from('#!/bin/sh\n'), arch), false);
  const busybox = await readFile('/bin/busybox').catch(() => undefined);
  if (busybox !== undefined) assert.equal(isStaticProgram(busybox, other), false);
});

test('what a program needs is what its loader finds for it', async () => {
  const needs = readElfNeeds(await readFile(process.execPath), arch);
  assert.ok(needs?.loader !== undefined);
  const { stdout } = spawnSync(needs.loader, ['--list', process.execPath], { encoding: 'utf8' });
  const found = [...stdout.matchAll(/^\s*(\S+) => /gm)].map(([, name]) => name);
  for (const library of needs.libraries) {
    assert.ok(found.includes(library) || library.startsWith('ld-linux'), library);
  }
  assert.ok(needs.libraries.includes('libc.so.6'));
  assert.equal(readElfNeeds(await readFile(process.execPath), other), undefined);
});

test('files that are cut short or broken are read without harm', async () => {
  const whole = (await readFile(process.execPath)).subarray(0, 4096);
  const cut = fc.nat(whole.length);
  const broken = fc.array(fc.tuple(fc.integer({ min: 16, max: 1500 }), fc.nat(255)), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(cut, broken, (length, bytes) => {
      const file = Buffer.from(whole.subarray(0, length));
      for (const [at, byte] of bytes) if (at < file.length) file[at] = byte;
      const needs = readElfNeeds(file, arch);
      assert.ok(needs === undefined || Array.isArray(needs.libraries));
    }),
  );
});
