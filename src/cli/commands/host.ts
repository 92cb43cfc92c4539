import type { Command } from 'commander';
import type { HostView } from '../../api/resources.ts';
import { berthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import { addHostFlags, changeOfFlags, collected, registerHostSettings } from './host-settings.ts';
import type { HostFlags } from './host-settings.ts';
import { branch, leaf } from './leaf.ts';

/** `host ls|show|map|add|rm`, and what is said of hosts. */
export function registerHost(program: Command, session: Session): void {
  const host = branch(program, 'host', 'The machines that VMs run on');
  leaf(host, 'ls', {
    does: 'List the hosts with what they have and what is free',
    examples: [
      ['berth host ls', 'every host'],
      ['berth host ls -l zone=a', 'those with a label'],
      ["berth host ls --json | jq -r '.hosts[].name'", 'names only, for scripts'],
    ],
  })
    .option('-l, --label <selector>', 'conditions on labels, such as zone=a,!gpu')
    .action(async (flags: { readonly label?: string }) => listHosts(session, flags.label));
  leaf(host, 'show [name]', {
    does: 'Show one host: cells, page pools, devices, and its VMs',
    examples: [
      ['berth host show', 'the only host there is; with several, name one'],
      ['berth host show --json', 'the whole resource, with every pCPU'],
    ],
  }).action(async (name: string | undefined) => showHost(session, name));
  leaf(host, 'map [name]', {
    does: 'Draw a host: packages, cells, cores, and which VM sits on which pCPU',
    examples: [
      ['berth host map', 'the only host there is; with several, name one'],
      ['berth host map --ascii', 'without line-drawing characters'],
      ['FORCE_COLOR=1 berth host map | less -R', 'in colour through a pager'],
    ],
  })
    .option('--ascii', 'draw with + - | instead of lines')
    .action(async (name: string | undefined, flags: { readonly ascii?: true }) =>
      mapHost(session, name, flags),
    );
  const add = leaf(host, 'add <uri> [name]', {
    does: 'Let the server look after a host that runs libvirt already',
    examples: [
      ['berth host add qemu+ssh://root@kvm2/system', 'by SSH, as "kvm2"; the server logs in'],
      ['berth host add qemu+tls://kvm3.example/system kvm3', 'by TLS, under another name'],
      ['berth host add qemu:///system here', 'the libvirt of this machine'],
      ['berth host add qemu+ssh://root@kvm4/system --label zone=a --cpu-ratio 4', 'with a label'],
    ],
  });
  addHostFlags(
    add.option('--label <label>', 'such as zone=a; may be given again', collected),
  ).action(async (uri: string, name: string | undefined, flags: HostFlags) =>
    addHost(session, uri, name, flags),
  );
  registerHostSettings(host, session);
  leaf(host, 'rm <name>', {
    does: 'Let the server forget a host; the host and its VMs stay as they are',
    examples: [
      ['berth host rm kvm2', 'asks first; refused while VMs of Berth are there'],
      ['berth host rm kvm2 --force --yes', 'even with VMs there, without asking'],
    ],
  })
    .option('--force', 'even while operations work on it, and with VMs of Berth on it')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, flags: RemoveFlags) => removeHost(session, name, flags));
}

interface RemoveFlags {
  readonly force?: true;
  readonly yes?: true;
}

async function listHosts(session: Session, labels: string | undefined): Promise<void> {
  const hosts = await (await session.client()).hosts(session.ports.signal, { labels });
  await session.answer({ hosts }, async () => {
    if (hosts.length === 0 && labels !== undefined) return 'no host is as asked for\n';
    const { hostTable } = await import('../host-page.ts');
    return hostTable(hosts, session.out);
  });
}

async function showHost(session: Session, name: string | undefined): Promise<void> {
  const host = await hostNamed(session, name);
  await session.answer(host, async () => {
    const { hostPage } = await import('../host-page.ts');
    return hostPage(host, session.out, session.ports.now());
  });
}

async function mapHost(
  session: Session,
  name: string | undefined,
  flags: { readonly ascii?: true },
): Promise<void> {
  const host = await hostNamed(session, name);
  await session.answer(host, async () => {
    const { renderMap } = await import('../map.ts');
    const unicode = session.out.unicode && flags.ascii !== true;
    return renderMap(host, { ...session.out, unicode });
  });
}

async function addHost(
  session: Session,
  uri: string,
  given: string | undefined,
  flags: HostFlags,
): Promise<void> {
  const name = given ?? hostOf(uri);
  if (name === undefined) {
    throw berthError('BERTH_USAGE', {
      problem: `${uri} names no host that could be its name here`,
      usage: `name it: berth host add '${uri}' NAME`,
    });
  }
  const host = await (
    await session.client()
  ).addHost({ name, uri, ...changeOfFlags(flags) }, session.ports.signal);
  await session.answer(host, async () => {
    const { printable } = await import('../printable.ts');
    return `added ${printable(host).name}; see it with: berth host show ${name}\n`;
  });
}

/** The host in a URI; an IPv6 address is no name. */
function hostOf(uri: string): string | undefined {
  const host = URL.parse(uri)?.hostname ?? '';
  return host === '' || host.startsWith('[') ? undefined : host;
}

async function removeHost(session: Session, name: string, flags: RemoveFlags): Promise<void> {
  const client = await session.client();
  const { leave, signal } = session.ports;
  if (flags.yes !== true) {
    // Looked up first, so that a wrong name is told before anything is asked.
    const known = await client.hosts(signal);
    const host = known.find((one) => one.name === name);
    if (host === undefined) {
      const names = known.map((one) => one.name);
      throw berthError('BERTH_NOT_FOUND', { kind: 'host', name, known: names });
    }
    const { ask } = await import('../ask.ts');
    const question = `let the server forget ${host.name} (${host.state}, ${host.uri})?`;
    if (!(await ask(session, question))) {
      await session.note('nothing was removed');
      session.status = 1;
      return;
    }
  }
  const removal = await client.removeHost(name, { force: flags.force === true }, leave);
  await session.answer(removal, async () => {
    const { printable } = await import('../printable.ts');
    const { vms } = printable(removal);
    const stay = vms.length === 0 ? '' : `; these stay there as they are: ${vms.join(', ')}`;
    return `removed ${name}${stay}\n`;
  });
}

/** The host of that name; without one, the only host there is. */
async function hostNamed(session: Session, name: string | undefined): Promise<HostView> {
  const client = await session.client();
  if (name !== undefined) return client.host(name, session.ports.signal);
  const hosts = await client.hosts(session.ports.signal);
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) {
    return client.host(only.name, session.ports.signal);
  }
  const names = hosts.map((host) => host.name).join(', ');
  throw berthError('BERTH_USAGE', {
    problem: only === undefined ? 'no host is registered' : 'there are several hosts: name one',
    usage: only === undefined ? 'add this machine with: berth up' : `one of: ${names}`,
  });
}
