import type { Command } from 'commander';
import { berthError } from '../../base/errors.ts';
import type { WhoamiView } from '../../api/access.ts';
import { parseServerUrl } from '../../api/server-address.ts';
import { printable } from '../printable.ts';
import type { Session } from '../session.ts';
import { leaf } from './leaf.ts';

interface LoginFlags {
  readonly ca?: string;
}

/** The longest file of certificates. */
const CA_BYTES_MAX = 1024 * 1024;

/** `login`, `logout` and `whoami`. */
export function registerLogin(program: Command, session: Session): void {
  leaf(program, 'login <url>', {
    does: 'Use a server on the network from now on, with a token that is typed in or piped',
    examples: [
      ['berth login https://berth.example.org:8006', 'asks for the token without showing it'],
      [
        'berth login https://10.0.0.5:8006 --ca berth.crt < token.txt',
        'a server whose certificate nobody else vouches for',
      ],
    ],
  })
    .option('--ca <file>', 'certificates of who may vouch for the server, PEM')
    .action(async (url: string, flags: LoginFlags) => login(session, url, flags));
  leaf(program, 'logout', {
    does: 'Forget the servers that login was told of, and their tokens',
    examples: [['berth logout', 'commands ask the server of this machine again']],
  }).action(async () => logout(session));
  leaf(program, 'whoami', {
    does: 'Say who this is to the server, and what that may do',
    examples: [['berth whoami', 'name of the token, role and scope']],
  }).action(async () => {
    const me = await (await session.client()).whoami(session.ports.signal);
    await session.answer(me, () => `${meText(me)}\n`);
  });
}

/** Nothing is kept of a token that the server does not know. */
async function login(session: Session, text: string, flags: LoginFlags): Promise<void> {
  const { logins, env, signal } = session.ports;
  const url = parseServerUrl(text, env['BERTH_INSECURE_PLAIN_HTTP'] === '1');
  const ca = flags.ca === undefined ? undefined : await certificatesOf(flags.ca, session);
  const { readSecret } = await import('../read-secret.ts');
  const token = await readSecret(session, `token for ${url}: `);
  if (token === '') {
    const usage = 'make one on the server: berth token create NAME --role operator';
    throw berthError('BERTH_USAGE', { problem: 'no token was given', usage });
  }
  const kept = { url, token, ...(ca === undefined ? {} : { ca }) };
  const me = await (await logins.clientOf(kept)).whoami(signal);
  const path = await logins.keep(kept);
  await session.answer({ server: url, ...me, keptIn: path }, () => {
    return `${meText(me)} at ${url}\nthe token is kept in ${path}; berth logout forgets it\n`;
  });
}

async function logout(session: Session): Promise<void> {
  const forgotten = await session.ports.logins.forget();
  await session.answer({ forgotten }, () =>
    forgotten.length === 0
      ? 'there was no login; nothing changed\n'
      : `forgotten: ${forgotten.join(', ')}\n`,
  );
}

async function certificatesOf(path: string, session: Session): Promise<string> {
  const { readInput } = await import('../input-bytes.ts');
  const usage = 'name a file of certificates in PEM form';
  const bytes = await readInput(path, { bytesMax: CA_BYTES_MAX, usage }, session);
  const text = Buffer.from(bytes).toString('utf8');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw berthError('BERTH_USAGE', { problem: `${path} holds no certificate`, usage });
}

function meText(me: WhoamiView): string {
  const { actor, role, scope } = printable(me);
  return `you are ${actor}, ${role}${scope === undefined ? '' : ` for VMs with ${scope}`}`;
}
