import { readFile } from 'node:fs/promises';
import { Client } from '../api/client.ts';
import { parseServerUrl } from '../api/server-address.ts';
import type { ServerAddress } from '../api/server-address.ts';
import { berthError } from '../base/errors.ts';
import type { LoginPort, ServerChoice } from '../cli/ports.ts';
import { apiSocket } from '../local/api-socket.ts';
import { KeptLogins } from './kept-logins.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Stands for the server of this machine where a URL is expected. */
const LOCAL = 'local';

/**
 * A client of the server that is meant: `--server`, else BERTH_SERVER, else the one of `berth login`,
 * else that of this machine, by its socket.
 * @throws BERTH_USAGE for a URL that is none, BERTH_PERMISSION
 */
export async function serverClient(env: Env, home: string, choice: ServerChoice): Promise<Client> {
  return new Client(await addressOf(env, home, choice));
}

/** `berth login` and `logout`, which keep what they are told in the user's own folder. */
export function loginPort(env: Env): LoginPort {
  const logins = new KeptLogins(env);
  return {
    clientOf: (address) => new Client(address),
    keep: async (address) => {
      await logins.keep(address);
      return logins.path;
    },
    forget: async () => logins.forget(),
  };
}

async function addressOf(
  env: Env,
  home: string,
  { server, isLocal }: ServerChoice,
): Promise<ServerAddress> {
  const local = { socket: apiSocket(home) };
  if (isLocal === true) return local;
  const logins = new KeptLogins(env);
  const meant = server ?? given(env['BERTH_SERVER']) ?? (await logins.current());
  if (meant === undefined || meant === LOCAL) return local;
  const url = parseServerUrl(meant, env['BERTH_INSECURE_PLAIN_HTTP'] === '1');
  const kept = await logins.find(url);
  const token = given(env['BERTH_TOKEN']) ?? kept?.token;
  const caFile = given(env['BERTH_CA']);
  const ca = caFile === undefined ? kept?.ca : await readCa(caFile);
  return {
    url,
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca }),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const usage = 'name a file of certificates in PEM form';
    throw berthError('BERTH_USAGE', { problem: `BERTH_CA: cannot read ${path} (${code})`, usage });
  }
}

function given(word: string | undefined): string | undefined {
  return word === '' ? undefined : word;
}
