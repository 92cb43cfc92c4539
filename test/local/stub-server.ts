import { createServer, type IncomingMessage } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HelloDocument } from '../../src/local/hello.ts';
import { runCommand } from '../../src/lab/system/run-command.ts';

/**
 * A server process for the tests of `up` and `down`: it has the real one's place, socket and life,
 * and runs real guests through virsh, but knows nothing else. In BERTH_STUB it is told to misbehave:
 * `crash` ends at once, `deaf` never answers, `stubborn` does not end by SIGTERM.
 */
const home = process.env['BERTH_HOME'] ?? '';
const ways = (process.env['BERTH_STUB'] ?? '').split(',');
const store = join(home, 'stub-hosts.json');

interface Host {
  readonly name: string;
  readonly uri: string;
}

const readHosts = (): Host[] =>
  existsSync(store) ? (JSON.parse(readFileSync(store, 'utf8')) as Host[]) : [];
const virsh = async (...args: readonly string[]): Promise<string> => {
  const argv = ['virsh', '-q', '-c', readHosts()[0]?.uri ?? '', ...args] as const;
  return (await runCommand(argv, { deadlineMs: 60_000 })).stdout;
};

async function vms(): Promise<unknown> {
  const [host] = readHosts();
  if (host === undefined) return [];
  const lines = (await virsh('list', '--all')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [, name = '', ...state] = line.trim().split(/\s{2,}/);
    return {
      name,
      host: host.name,
      state: state.join(' ').replace('shut off', 'shutoff'),
      managed: true,
    };
  });
}

async function createVm({ metadata, spec }: HelloDocument): Promise<void> {
  const file = join(home, `${metadata.name}.xml`);
  writeFileSync(
    file,
    `<domain type='qemu'><name>${metadata.name}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>${spec.boot.kernel}</kernel>
<initrd>${spec.boot.initrd}</initrd><cmdline>${spec.boot.cmdline}</cmdline></os>
<features><acpi/></features><devices><serial type='pty'/></devices></domain>`,
  );
  await virsh('define', file);
  await virsh('start', metadata.name);
}

async function answer(request: IncomingMessage): Promise<unknown> {
  const [, kind = '', name = '', action = ''] = (request.url ?? '').split('/');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  switch (`${request.method} ${kind} ${action}`.trim()) {
    case 'GET server':
      return { pid: process.pid };
    case 'GET hosts':
      return readHosts().map((host) => ({ ...host, state: 'connected' }));
    case 'POST hosts':
      return writeFileSync(store, JSON.stringify([JSON.parse(body)]));
    case 'GET vms':
      return vms();
    case 'POST vms':
      return createVm(JSON.parse(body) as HelloDocument);
    default:
      await virsh(action === 'remove' ? 'destroy' : action, name);
      return action === 'remove' ? virsh('undefine', name) : undefined;
  }
}

if (ways.includes('crash')) {
  process.stderr.write('stub: no store to be had\n');
  process.exit(3);
}
if (ways.includes('stubborn')) process.on('SIGTERM', () => undefined);
const server = createServer((request, response) => {
  if (ways.includes('deaf')) return;
  answer(request).then(
    (value) => response.end(JSON.stringify(value ?? null)),
    (error: unknown) => {
      response.statusCode = 500;
      response.end(JSON.stringify(String(error)));
    },
  );
});
server.listen(join(home, 'run', 'api.sock'));
