import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { runCommand } from '../../src/lab/system/run-command.ts';
import { atProcessEnd } from '../lab/at-process-end.ts';

/** Where Debian puts the programs of each version. */
const VERSIONS = '/usr/lib/postgresql';
const COMMAND_MS = 60_000;
const READY_TRIES = 400;
const READY_PAUSE_MS = 50;

/** A private PostgreSQL server: on a unix socket in its own folder alone, and gone with the test. */
export interface Postgres {
  /** The URL of its database. */
  readonly url: string;
  /** The folder of its socket. */
  readonly socket: string;
  /** Ends it: `fast` as an administrator does, `immediate` as if the machine had crashed. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** Runs statements as its owner. */
  run(sql: string): Promise<void>;
  /** Makes an empty database. @returns its URL. */
  database(): Promise<string>;
  /** A second server that follows this one by streaming replication. */
  replica(): Promise<Postgres>;
  /** Makes a replica the server that can be written to. */
  promote(): Promise<void>;
  /** Ends it and takes its folder away. */
  remove(): Promise<void>;
}

/** What this machine lacks for a PostgreSQL of its own, or false: for `test(title, { skip })`. */
export function postgresSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs: root';
  return programs() === undefined ? 'needs: postgresql' : false;
}

/** Makes a database cluster and starts it. */
export async function startPostgres(): Promise<Postgres> {
  const folder = await ownFolder();
  const data = join(folder, 'data');
  await asPostgres('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-N']);
  return started(folder, data);
}

async function started(folder: string, data: string): Promise<Postgres> {
  const settings = [
    "listen_addresses = ''",
    `unix_socket_directories = '${folder}'`,
    'fsync = off', // the machine of a test does not lose power
    'max_connections = 40',
    'wal_level = replica',
    'max_wal_senders = 4',
    'hot_standby = on',
  ];
  await writeFile(join(data, 'berth.conf'), settings.join('\n'));
  await writeFile(join(data, 'postgresql.conf'), "include 'berth.conf'\n");
  const server = new Server(folder, data);
  await server.start();
  return server;
}

class Server implements Postgres {
  readonly socket: string;
  readonly url: string;
  readonly #data: string;
  #child: ChildProcess | undefined;
  #databases = 0;

  constructor(folder: string, data: string) {
    this.socket = folder;
    this.#data = data;
    this.url = `postgresql://postgres@${encodeURIComponent(folder)}/postgres`;
    atProcessEnd(() => this.#child?.kill('SIGQUIT'));
  }

  async start(): Promise<void> {
    const [program, ...args] = asUser('postgres', ['-D', this.#data]);
    this.#child = spawn(program, args, { stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      try {
        await this.run('select 1');
        return;
      } catch (error) {
        if (tries >= READY_TRIES || this.#child.exitCode !== null) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, READY_PAUSE_MS));
    }
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    // pg_ctl(1): SIGINT is a fast shutdown, SIGQUIT an immediate one.
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await once(child, 'exit');
  }

  async run(sql: string): Promise<void> {
    const client = new Client({ host: this.socket, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  async database(): Promise<string> {
    this.#databases += 1;
    const name = `test${this.#databases}`;
    await this.run(`create database ${name}`);
    return this.url.replace(/postgres$/, name);
  }

  async replica(): Promise<Postgres> {
    const folder = await ownFolder();
    const data = join(folder, 'data');
    await asPostgres('pg_basebackup', [
      '--no-sync',
      '--write-recovery-conf',
      ...Object.entries({ '-h': this.socket, '-U': 'postgres', '-D': data, '-c': 'fast' }).flat(),
    ]);
    return started(folder, data);
  }

  async promote(): Promise<void> {
    await this.run('select pg_promote()');
  }

  async remove(): Promise<void> {
    await this.stop('immediate');
    await rm(this.socket, { recursive: true, force: true });
  }
}

function programs(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const versions = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a));
  const found = versions.find((version) => existsSync(join(VERSIONS, version, 'bin', 'postgres')));
  return found === undefined ? undefined : join(VERSIONS, found, 'bin');
}

/** initdb and postgres refuse to run as root: they run as the user that the package makes. */
function asUser(program: string, args: readonly string[]): [string, ...string[]] {
  const path = join(programs() ?? '', program);
  const become = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig', 'QUIT'];
  return ['setpriv', ...become, path, ...args];
}

async function asPostgres(program: string, args: readonly string[]): Promise<void> {
  await runCommand(asUser(program, args), { deadlineMs: COMMAND_MS });
}

/** Short: the path of a unix socket has few bytes. */
async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-pg-'));
  const { stdout } = await runCommand(['id', '-u', 'postgres'], { deadlineMs: COMMAND_MS });
  await chown(folder, Number(stdout), 0);
  await chmod(folder, 0o700);
  return folder;
}
