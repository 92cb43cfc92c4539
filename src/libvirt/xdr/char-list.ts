import { i32, list, type Codec } from './codec.ts';

/**
 * A `char<max>` of libvirt: text whose every byte takes four on the wire, the NUL at its end among
 * them. Security labels and models travel like that; all other text is a `string`.
 */
export function charList(max: number): Codec<string> {
  const bytes = list(i32, max);
  return {
    write: (writer, value) => {
      if (typeof value !== 'string') throw writer.mistyped(value, 'a string');
      bytes.write(writer, [...Buffer.from(value), 0]);
    },
    read: (reader) => {
      const text = Buffer.from(bytes.read(reader).map((byte) => byte & 0xff));
      const end = text.indexOf(0);
      return text.toString('utf8', 0, end === -1 ? text.length : end);
    },
  };
}
