import type { Codec } from './codec.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UUID_BYTES = 16;

/** A UUID: 16 bytes on the wire, lower-case text with dashes here. */
export const uuid: Codec<string> = {
  write: (writer, value) => {
    if (!UUID.test(value)) throw writer.fault(`"${value}" is not a UUID`, 'a UUID in text form');
    writer.fixed(Buffer.from(value.replaceAll('-', ''), 'hex'));
  },
  read: (reader) => {
    const hex = reader.fixed(UUID_BYTES).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
};
