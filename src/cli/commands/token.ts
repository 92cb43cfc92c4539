import type { Command } from 'commander';
import { Option } from 'commander';
import { ROLES } from '../../api/access.ts';
import type { Role } from '../../api/access.ts';
import type { Session } from '../session.ts';
import { branch, leaf } from './leaf.ts';

interface CreateFlags {
  readonly role: Role;
  readonly scope?: string;
  readonly expires?: string;
}

/** `token create|ls|rm`. */
export function registerToken(program: Command, session: Session): void {
  const token = branch(program, 'token', 'Who may use the server over the network');
  leaf(token, 'create <name>', {
    does: 'Make a token; its text is shown this once, and kept by nobody',
    examples: [
      ['berth token create ci --role operator --expires 30d', 'may act on VMs for a month'],
      ['berth token create db-team --role operator --scope app=db', 'only on VMs with that label'],
    ],
  })
    .addOption(
      new Option(
        '--role <role>',
        'viewer looks; operator also acts on VMs; admin also changes hosts and tokens',
      )
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option('--scope <selector>', 'labels that VMs must have, such as app=db,tier!=web')
    .option('--expires <time>', 'when it ends, such as 12h or 30d; never when not given')
    .action(async (name: string, flags: CreateFlags) => createToken(session, name, flags));
  leaf(token, 'ls', {
    does: 'List the tokens: role, scope, end and last use of each',
    examples: [['berth token ls', 'without their secrets, which nobody has']],
  }).action(async () => listTokens(session));
  leaf(token, 'rm <name>', {
    does: 'Revoke a token at once; whoever uses it is let in no more',
    examples: [['berth token rm ci', 'the next request with it is refused']],
  }).action(async (name: string) => removeToken(session, name));
}

async function createToken(session: Session, name: string, flags: CreateFlags): Promise<void> {
  const { role, scope, expires } = flags;
  const created = await (
    await session.client()
  ).createToken(
    {
      name,
      role,
      ...(scope === undefined ? {} : { scope }),
      ...(expires === undefined ? {} : { expires }),
    },
    session.ports.signal,
  );
  if (!session.json) await session.note('keep this text; it is not shown again:');
  await session.answer(created, () => `${created.token}\n`);
}

async function listTokens(session: Session): Promise<void> {
  const tokens = await (await session.client()).tokens(session.ports.signal);
  await session.answer({ tokens }, async () => {
    const { tokenTable } = await import('../token-table.ts');
    return `${tokenTable(tokens, session.out, session.ports.now()).join('\n')}\n`;
  });
}

async function removeToken(session: Session, name: string): Promise<void> {
  const removed = await (await session.client()).removeToken(name, session.ports.signal);
  await session.answer(removed, () => `${removed.name} is revoked\n`);
}
