import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { NetAddress } from '../api/server-address.ts';
import { berthError } from '../base/errors.ts';
import { codedFileErrors } from '../local/state-folder.ts';

const login = z.strictObject({ token: z.string(), ca: z.string().optional() });
const file = z.strictObject({
  /** The server that commands ask where they name none. */
  current: z.string().optional(),
  servers: z.record(z.string(), login),
});
type Kept = z.output<typeof file>;

/** What `berth login` was told: servers and tokens, in a file that only its owner can read. */
export class KeptLogins {
  readonly path: string;

  /** `$XDG_CONFIG_HOME/berth/logins.json`, else below `~/.config`. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const given = env['XDG_CONFIG_HOME'];
    const config =
      given === undefined || given === '' ? join(env['HOME'] ?? '/', '.config') : resolve(given);
    this.path = join(config, 'berth', 'logins.json');
  }

  /** The URL of the server that was logged in to last; undefined where none is kept. */
  async current(): Promise<string | undefined> {
    return (await this.#read()).current;
  }

  /** A server as it was logged in to. */
  async find(url: string): Promise<NetAddress | undefined> {
    const { servers } = await this.#read();
    const kept = Object.hasOwn(servers, url) ? servers[url] : undefined;
    if (kept === undefined) return undefined;
    const { token, ca } = kept;
    return { url, token, ...(ca === undefined ? {} : { ca }) };
  }

  /** Keeps a login, and makes its server the one that is asked. */
  async keep({ url, token = '', ca }: NetAddress): Promise<void> {
    const { servers } = await this.#read();
    const kept = { token, ...(ca === undefined ? {} : { ca }) };
    await this.#write({ current: url, servers: { ...servers, [url]: kept } });
  }

  /** Forgets them all. @returns their URLs */
  async forget(): Promise<readonly string[]> {
    const { servers } = await this.#read();
    await codedFileErrors(this.path, async () => rm(this.path, { force: true }));
    return Object.keys(servers);
  }

  /** @throws BERTH_PERMISSION when others can read it too, BERTH_FACTS_INVALID when it is damaged */
  async #read(): Promise<Kept> {
    const { path } = this;
    const text = await codedFileErrors(path, async () => {
      try {
        const { mode } = await stat(path);
        if ((mode & 0o077) !== 0) throw isOpen(path);
        return await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
        throw error;
      }
    });
    if (text === '') return { servers: {} };
    try {
      return file.parse(JSON.parse(text));
    } catch {
      const problem = 'it is not as berth login wrote it';
      throw berthError('BERTH_FACTS_INVALID', { fact: path, problem });
    }
  }

  /** Whoever reads meanwhile sees the old file or the new one. */
  async #write(kept: Kept): Promise<void> {
    const { path } = this;
    const next = `${path}.${process.pid}`;
    await codedFileErrors(path, async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rm(next, { force: true });
      const handle = await open(next, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(kept, undefined, 2)}\n`);
      } finally {
        await handle.close();
      }
      await rename(next, path);
    });
  }
}

function isOpen(path: string): Error {
  return berthError('BERTH_PERMISSION', {
    what: path,
    reason: 'it holds tokens, and others than its owner can read it',
    remedy: `chmod 600 ${path}; and revoke the tokens if somebody may have read them`,
  });
}
