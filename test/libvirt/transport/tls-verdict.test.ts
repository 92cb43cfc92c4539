import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { connect } from '../../../src/libvirt/index.ts';
import { coded } from '../../refusal.ts';

const missing = await missingPrograms(['openssl']);
const skip = missing.length > 0 && `needs: ${missing.join(', ')}`;

test(
  'a certificate that does not hold is told as that, whatever OpenSSL calls it',
  { skip },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-verdict-'));
    t.after(() => rm(dir, { recursive: true }));
    const at = (name: string) => join(dir, name);
    const make = async (name: string, extensions: string, signer?: string): Promise<void> => {
      const own = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
      const by =
        signer === undefined ? [] : ['-CA', at(`${signer}.pem`), '-CAkey', at(`${signer}.key`)];
      const config = ['-config', at(`${name}.cnf`), '-extensions', 'v3', '-subj', `/CN=${name}`];
      await writeFile(
        at(`${name}.cnf`),
        `[req]\ndistinguished_name=dn\n[dn]\n[v3]\n${extensions}\n`,
      );
      const argv = ['openssl', 'req', '-x509', ...own, ...files, ...config, ...by] as const;
      await runCommand(argv, { deadlineMs: 10_000 });
    };
    // The authority allows no other one below it.
    await make('cacert', 'basicConstraints=critical,CA:TRUE,pathlen:0');
    await make('between', 'basicConstraints=critical,CA:TRUE', 'cacert');
    await make('daemon', 'subjectAltName=IP:127.0.0.1', 'between');
    const cert = Buffer.concat([
      await readFile(at('daemon.pem')),
      await readFile(at('between.pem')),
    ]);
    const server = createServer({ cert, key: await readFile(at('daemon.key')) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const uri = `qemu+tls://127.0.0.1:${port}/system?pkipath=${encodeURIComponent(dir)}`;
    const refused = coded('BERTH_CERTIFICATE', /does not hold against .*PATH_LENGTH_EXCEEDED/);
    await assert.rejects(connect(uri, {}, { deadlineMs: 10_000 }), refused);
  },
);
