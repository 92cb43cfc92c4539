import type { Codec } from './codec.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UUID_BYTES = 16;

/** Where the two digits of each byte stand in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

const DIGITS = Buffer.from('0123456789abcdef');

/**
 * The text is put together here and copied out whole. Joined from pieces instead, each UUID would
 * take 350 bytes for as long as it lives, where 50 do, and twice the time to read.
 */
const TEXT = Buffer.alloc('00000000-0000-0000-0000-000000000000'.length, '-');

/** A UUID: 16 bytes on the wire, lower-case text with dashes here. */
export const uuid: Codec<string> = {
  write: (writer, value) => {
    if (!UUID.test(value)) throw writer.fault(`"${value}" is not a UUID`, 'a UUID in text form');
    writer.fixed(Buffer.from(value.replaceAll('-', ''), 'hex'));
  },
  read: (reader) => {
    const bytes = reader.fixed(UUID_BYTES);
    for (let i = 0; i < UUID_BYTES; i++) {
      const byte = bytes[i] ?? 0;
      const place = PLACES[i] ?? 0;
      TEXT[place] = DIGITS[byte >>> 4] ?? 0;
      TEXT[place + 1] = DIGITS[byte & 15] ?? 0;
    }
    return TEXT.toString('latin1');
  },
};
