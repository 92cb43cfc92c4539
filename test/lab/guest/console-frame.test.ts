import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { findOutput, findWord } from '../../../src/lab/guest/console-frame.ts';

const ID = '0a1b2c3d.512';
const part = fc.uint8Array({ maxLength: 400 });
const status = fc.nat(255);
/** What a kernel, a shell or a person puts between: anything but a frame of that id. */
const noise = fc
  .string({ unit: fc.constantFrom(...'[]{} 0123abcXYZ+/=.\u001b\r'.split('')), maxLength: 60 })
  .map((text) => text.replaceAll(ID, ''));

describe('a frame on a console', () => {
  test('is found among lines of others', () => {
    fc.assert(
      fc.property(
        part,
        status,
        fc.array(noise, { maxLength: 8 }),
        fc.nat(),
        (part, status, others, seed) => {
          const lines = frame(part, status);
          const mixed = [...lines];
          for (const [index, other] of others.entries()) {
            mixed.splice((seed + index * 7) % (mixed.length + 1), 0, `[ ${other}`);
          }
          const found = findOutput(`${mixed.join('\r\n')}\r\n`, ID);
          assert.deepEqual(found, expected(part, status));
        },
      ),
    );
  });

  test('that something has broken into is told damaged, or whole, but never wrong', () => {
    fc.assert(
      fc.property(part, status, noise, fc.nat(), (part, status, other, seed) => {
        const text = `${frame(part, status).join('\r\n')}\r\n`;
        const at = seed % text.length;
        const found = findOutput(`${text.slice(0, at)}${other}\r\n${text.slice(at)}`, ID);
        if (found !== 'damaged' && found !== undefined) {
          assert.deepEqual(found, expected(part, status));
        }
      }),
    );
  });

  test('is taken whole when an earlier copy of it was broken', () => {
    const good = frame(Buffer.from('output'), 3);
    const bad = good.map((line, index) => (index === 1 ? line.slice(1) : line));
    const text = [...bad, ...good, ''].join('\r\n');
    assert.deepEqual(findOutput(text, ID), expected(Buffer.from('output'), 3));
    assert.equal(findOutput([...bad, ''].join('\r\n'), ID), 'damaged');
  });

  test('is waited for until its last line has ended, and only its own id counts', () => {
    const text = `${frame(Buffer.from('output'), 0).join('\r\n')}\r\n`;
    for (let length = 0; length < text.length; length++) {
      assert.equal(findOutput(text.slice(0, length), ID), undefined);
    }
    assert.equal(findOutput(text, '0a1b2c3d'), undefined);
  });
});

test('a word is found where it was printed, not where it was typed', () => {
  assert.equal(findWord('$ echo "{""{12ab awake}}"\r\n', '12ab'), undefined);
  assert.equal(findWord('$ echo "{""{12ab awake}}"\r\n{{12ab awake}}\r\n', '12ab'), 'awake');
  assert.equal(findWord('{{12ab aw[  1.0] x\r\nake}}\r\n{{12ab awake}}', '12ab'), 'awake');
  assert.equal(findWord('{{12ab awake', '12ab'), undefined);
});

/** The lines that guest-shell.sh prints. */
function frame(part: Uint8Array, status: number): readonly string[] {
  const sum = createHash('sha256').update(part).digest('hex');
  const words = `${ID} ${status} 1000 512 ${sum}`;
  const body =
    Buffer.from(part)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return [`{{${words}`, ...body, `}}${words}`];
}

function expected(part: Uint8Array, status: number) {
  return { status, size: 1000, offset: 512, part: Buffer.from(part) };
}
