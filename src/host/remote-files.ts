import { assert } from '../base/assert.ts';
import { isBerthError } from '../base/errors.ts';
import type { FactFiles } from '../facts/fact-files.ts';
import { parseUri, runBySsh } from '../libvirt/index.ts';
import type { SshOutcome, Wait } from '../libvirt/index.ts';
import { PRETENDING } from './host-link.ts';

/** Milliseconds for a host of thousands of CPUs; one that takes longer keeps its files to itself. */
const READ_MS = 15_000;
/** A host of 2048 CPUs with all their masks has 12 MB. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const FILES_MAX = 200_000;
/** How much is shown of what a login says. */
const SAID_CHARS = 200;

/** What a pattern is made of; none of it is anything to a shell but "*". */
const PATTERN = /^[a-z][\w./*-]*$/;

const BEGIN = 'berth-files';
const END = 'berth-end';
/** What lines of the answer begin with: a file's path, and a line of its text. */
const PATH_MARK = '=';
const TEXT_MARK = '+';

/**
 * Reads patterns from its standard input, a line each, and writes every file that matches one. It
 * needs no more than a POSIX shell: thousands of files cost no process each, since the shell's own
 * `read` reads them. It asks for a byte at a time in dash and busybox, which Linux 6 answers with
 * nothing for the CPU lists of cores and nodes; those go through `cat`. A pattern is never code:
 * without IFS, expanding it can only name files. As in all commands for login shells of any kind,
 * there are no quotes inside the quotes, no backslashes, "!" or line ends.
 */
const SCRIPT = [
  'lines() { while read -r line || [ -n "$line" ]; do',
  `printf %s "${TEXT_MARK}$line"; echo; seen=1; done; };`,
  `IFS=; cd / || exit 1; echo ${BEGIN}; n=0;`,
  'while read -r pattern; do for file in $pattern; do',
  '[ -f "$file" ] && [ -r "$file" ] || continue;',
  `n=$((n + 1)); [ $n -le ${FILES_MAX} ] || exit 1;`,
  `printf %s "${PATH_MARK}$file"; echo; seen=;`,
  '{ lines <"$file"; [ -n "$seen" ] || cat "$file" | lines; } 2>/dev/null;',
  `done; done; echo ${END}`,
].join(' ');

/** True for a host whose files can be asked for by the way that its URI names. */
export function hasRemoteFiles(uri: string): boolean {
  const { transport, driver } = parseUri(uri);
  return transport === 'ssh' && driver !== PRETENDING;
}

/** What SSH gave of a host's files: path and text, or in words why nothing. */
export type RemoteReading = { readonly files: FactFiles } | { readonly unread: string };

/**
 * Reads every file of a host behind SSH that matches the patterns (any run of characters for each `*`),
 * as `path -> text` with paths below `/`: one login for all of them, however many. Files that cannot
 * be read are left out, and so are those without a byte in them. A host that lets nobody run commands
 * is as good as any other; its files are unread.
 * @throws BERTH_INTERRUPTED
 */
export async function readRemoteFiles(
  uri: string,
  patterns: readonly string[],
  { signal, deadlineMs }: Wait,
): Promise<RemoteReading> {
  const odd = patterns.find((pattern) => !PATTERN.test(pattern));
  assert(odd === undefined, `patterns of files are plain words, unlike "${odd}"`);
  const command = {
    what: 'reading files',
    line: `sh -c '${SCRIPT}'`,
    input: patterns.map((pattern) => `${pattern}\n`).join(''),
    outputBytesMax: OUTPUT_BYTES_MAX,
  };
  const wait = { signal, deadlineMs: Math.min(deadlineMs, READ_MS) };
  try {
    return readingOf(await runBySsh(parseUri(uri), command, wait));
  } catch (error) {
    if (!isBerthError(error) || error.code === 'BERTH_INTERRUPTED') throw error;
    return { unread: error.message };
  }
}

/** The files in an answer of the far side's script; what is no whole one gives none of them. */
export function readingOf({ status, output, stderr }: SshOutcome): RemoteReading {
  const lines = output.toString('utf8').split('\n');
  const isWhole = lines[0] === BEGIN && lines.at(-2) === END && lines.at(-1) === '';
  if (status !== 0 || !isWhole) {
    const said = lastLine(stderr) ?? lastLine(output.toString('latin1', 0, SAID_CHARS));
    const reason = `its login does not run the command that reads them (status ${status})`;
    return { unread: said === undefined ? reason : `${reason}: ${said}` };
  }
  const files = new Map<string, string>();
  let path = '';
  for (const line of lines.slice(1, -2)) {
    if (line.startsWith(PATH_MARK)) path = line.slice(PATH_MARK.length);
    else files.set(path, `${files.get(path) ?? ''}${line.slice(TEXT_MARK.length)}\n`);
  }
  return { files: Object.fromEntries(files) };
}

function lastLine(text: string): string | undefined {
  const lines = text.replaceAll(/[^\x20-\x7e\n]/g, '.').split('\n');
  return lines.findLast((line) => line.trim() !== '')?.slice(-SAID_CHARS);
}
