import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Long enough for an example on a busy machine; none has to wait for anything. */
const EXAMPLE_MS_MAX = 60_000;

/** A ```ts block of a document. */
export interface ReadmeExample {
  /** The heading that it stands below. */
  readonly title: string;
  /** The line of the document that its code starts on, from 1. */
  readonly line: number;
  readonly code: string;
  /** The ```text block right behind it: what it prints. */
  readonly output: string | undefined;
}

/** What an example did when it ran. */
export interface ExampleRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExampleOptions {
  /** Variables that the example finds in `process.env` besides this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files that lie in the folder which the example runs in, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * The examples of a markdown document, in order. Each is a program of its own: it imports what it
 * uses from `berth/xml` and `berth/libvirt`, as a user's would.
 *
 *     for (const example of await readmeExamples('src/xml/README.md')) {
 *       test(`the example "${example.title}" prints what the document says`, async () => {
 *         const ran = await runExample(example);
 *         assert.equal(ran.stderr, '');
 *         assert.equal(ran.stdout, example.output);
 *       });
 *     }
 *
 * @param file a path from the root of the checkout.
 */
export async function readmeExamples(file: string): Promise<readonly ReadmeExample[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const found = text.matchAll(/^```ts\n([^]*?)^```$(?:\s*^```text\n([^]*?)^```$)?/gm);
  return [...found].map(({ index, 1: code = '', 2: output }) => {
    const before = text.slice(0, index);
    return {
      title: [...before.matchAll(/^#+ +(.*)$/gm)].at(-1)?.[1] ?? '',
      line: before.split('\n').length + 1,
      code,
      output,
    };
  });
}

/** Runs an example in a folder of its own, with the sources of this checkout as its `berth`. */
export async function runExample(
  example: ReadmeExample,
  options: ExampleOptions = {},
): Promise<ExampleRun> {
  return inFolder([example], options, async (folder) => {
    return run(folder, ['--no-warnings', 'example-0.ts'], options.env);
  });
}

/** What the compiler has against the examples, with the strictness that users may have. */
export async function typeErrors(examples: readonly ReadmeExample[]): Promise<string> {
  return inFolder(examples, {}, async (folder) => {
    const config = {
      extends: join(ROOT, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        composite: false,
        incremental: false,
        declarationMap: false,
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules', '@types')],
      },
      include: ['example-*.ts'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, stderr } = await run(folder, [compiler, '-p', '.', '--pretty', 'false']);
    return stdout + stderr;
  });
}

async function inFolder<T>(
  examples: readonly ReadmeExample[],
  { files = {} }: ExampleOptions,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-example-'));
  try {
    await writePackage(folder);
    for (const [index, { code }] of examples.entries()) {
      await writeFile(join(folder, `example-${index}.ts`), code);
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Node strips no types below node_modules, so the package is a link to a folder beside it. */
async function writePackage(folder: string): Promise<void> {
  await mkdir(join(folder, 'berth'));
  await mkdir(join(folder, 'node_modules'));
  await symlink('../berth', join(folder, 'node_modules', 'berth'));
  const doors = ['xml', 'libvirt'];
  const exports = Object.fromEntries(doors.map((door) => [`./${door}`, `./${door}.ts`]));
  const description = { name: 'berth', type: 'module', exports };
  await writeFile(join(folder, 'berth', 'package.json'), JSON.stringify(description));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const door of doors) {
    const source = join(ROOT, 'src', door, 'index.ts');
    await writeFile(join(folder, 'berth', `${door}.ts`), `export * from '${source}';\n`);
  }
}

async function run(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ExampleRun> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: EXAMPLE_MS_MAX };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(error ?? new Error('it ended without a status'));
    });
  });
}
