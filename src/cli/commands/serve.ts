import type { Command } from 'commander';
import { Option } from 'commander';
import { berthError } from '../../base/errors.ts';
import type { ServeWish } from '../ports.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

interface ServeFlags {
  readonly listen: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecurePlainHttp?: true;
  readonly trustProxy?: true;
  readonly store?: string;
  readonly storeFile?: string;
  readonly logLevel: ServeWish['logLevel'];
}

/** The longest file that may hold the URL of a store. */
const URL_BYTES_MAX = 16 * 1024;

/** `serve`. */
export function registerServe(program: Command, session: Session): void {
  leaf(program, 'serve', {
    does: 'Run the server in the foreground; up starts it by itself, for this machine alone',
    examples: [
      ['berth serve', 'on its own socket, until Ctrl-C'],
      ['berth serve --listen 127.0.0.1:8006', 'also for whoever has a token on this machine'],
      [
        'berth serve --listen 0.0.0.0:8006 --tls-cert berth.crt --tls-key berth.key',
        'for the network; the certificate is read again when it changes, and on SIGHUP',
      ],
      ['berth serve --store-file /etc/berth/store.url', 'on PostgreSQL, as one of several servers'],
    ],
  })
    .option(
      '--listen <address>',
      'IP address (or localhost) and port to listen on; may be given again (BERTH_LISTEN, with commas)',
      (address: string, before: readonly string[]) => [...before, address],
      [],
    )
    .option('--tls-cert <file>', 'certificate and its chain, PEM (BERTH_TLS_CERT)')
    .option('--tls-key <file>', 'its private key, PEM (BERTH_TLS_KEY)')
    .option('--insecure-plain-http', 'listen on the network without TLS: tokens can be read there')
    .option('--trust-proxy', 'believe X-Forwarded-For and -Proto of a proxy on this machine')
    .option(
      '--store <url>',
      'postgres://... in place of the embedded store; ps shows it to everybody, so a URL with a password is better in BERTH_STORE or a file',
    )
    .option('--store-file <file>', 'a file that holds that URL')
    .addOption(
      new Option('--log-level <level>', 'how much the log says')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async (flags: ServeFlags) => {
      const { signal } = session.ports;
      await session.ports.serve({ ...(await wishOf(flags, session)), signal });
    });
}

/** What the flags say, and where they say nothing, the environment. @throws BERTH_USAGE */
async function wishOf(flags: ServeFlags, session: Session): Promise<ServeWish> {
  const { env } = session.ports;
  const listen = flags.listen.length > 0 ? flags.listen : words(env['BERTH_LISTEN']);
  const certificate = flags.tlsCert ?? given(env['BERTH_TLS_CERT']);
  const key = flags.tlsKey ?? given(env['BERTH_TLS_KEY']);
  if ((certificate === undefined) !== (key === undefined)) {
    throw wrong('--tls-cert and --tls-key go together', 'give both, or neither');
  }
  if (certificate !== undefined && listen.length === 0) {
    throw wrong('a certificate is for an address', 'say where: --listen 0.0.0.0:8006');
  }
  const store = await storeOf(flags, session);
  return {
    listen,
    ...(certificate === undefined || key === undefined ? {} : { tls: { certificate, key } }),
    isPlainAllowed: flags.insecurePlainHttp ?? false,
    isProxied: flags.trustProxy ?? false,
    ...(store === undefined ? {} : { store }),
    logLevel: flags.logLevel,
  };
}

async function storeOf(
  { store, storeFile }: ServeFlags,
  session: Session,
): Promise<string | undefined> {
  if (storeFile === undefined) return store ?? given(session.ports.env['BERTH_STORE']);
  if (store !== undefined) {
    throw wrong('--store and --store-file exclude each other', 'give one of them');
  }
  const { readInput } = await import('../input-bytes.ts');
  const usage = 'name a file that holds the URL of the store';
  const bytes = await readInput(storeFile, { bytesMax: URL_BYTES_MAX, usage }, session);
  const url = Buffer.from(bytes).toString('utf8').trim();
  if (url !== '') return url;
  throw wrong(`${storeFile} is empty`, usage);
}

function given(word: string | undefined): string | undefined {
  return word === '' ? undefined : word;
}

function words(text = ''): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function wrong(problem: string, usage: string): Error {
  return berthError('BERTH_USAGE', { problem, usage });
}
