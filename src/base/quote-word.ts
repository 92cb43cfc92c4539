import { berthError } from './errors.ts';

/**
 * A word that a POSIX shell leaves as it is: what hands a command to one can do no other, such as SSH
 * (sshd(8)) and a guest's console.
 * @throws BERTH_SPEC_INVALID for a word with a NUL byte, which no program can be given.
 */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9@%+=:,./_-]+$/.test(word)) return word;
  if (!word.includes('\0')) return `'${word.replaceAll("'", `'\\''`)}'`;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'a word of a command',
    problem: 'it has a NUL byte in it',
    expected: 'text, as the kernel takes it',
  });
}
