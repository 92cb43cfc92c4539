import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Tables of the store. They hold what hosts cannot: who the hosts are, claims in flight, and the
 * journal. JSON is text and times are milliseconds, so that both SQLite and PostgreSQL serve.
 */
export interface Schema {
  readonly hosts: HostTable;
  readonly past_hosts: PastHostTable;
  readonly claims: ClaimTable;
  readonly operations: OperationTable;
  readonly servers: ServerTable;
  readonly leases: LeaseTable;
  readonly requests: RequestTable;
  readonly tokens: TokenTable;
  readonly audit: AuditTable;
  readonly history: HistoryTable;
}

interface HostTable {
  readonly name: string;
  readonly uri: string;
  readonly added_at: number;
  /** Grows with every claim and release; a claim made on an older one lost its race. */
  readonly generation: number;
  /** The host's labels; null for none. */
  readonly labels: string | null;
  /** What people have set in place of the host policy's defaults; null for nothing. */
  readonly settings: string | null;
  /** Of the libvirt behind the URI, that nobody registers it twice; null where nothing tells it. */
  readonly identity: string | null;
}

/** Hosts that were removed. */
interface PastHostTable {
  readonly name: string;
  /** The last that it had: one that is registered under that name goes on behind it. */
  readonly generation: number;
}

interface ClaimTable {
  readonly vm_uuid: string;
  readonly vm: string;
  readonly host: string;
  readonly placement: string;
  /** The place that the VM may still go back to; null for one that has none. */
  readonly before: string | null;
  readonly operation: string;
  /** The VM's labels, whom it keeps away, and when it is to end; null for one without any of these. */
  readonly relations: string | null;
}

interface OperationTable {
  readonly id: string;
  readonly kind: string;
  readonly vm: string;
  readonly vm_uuid: string;
  readonly host: string | null;
  readonly state: string;
  readonly steps: string;
  readonly done: number;
  /** What the steps need and have found out; what is needed to repeat or undo them. */
  readonly memory: string;
  readonly revision: number;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly error: string | null;
  /** The server process that carries it out; null of those from before there could be several. */
  readonly server: string | null;
  /** How often it was taken over: what was written for an earlier one comes too late. */
  readonly epoch: number;
  /** Who asked for it, by the name of the token; null for the owner of the server's socket. */
  readonly actor: string | null;
  /** The id of that token: another one may have its name later. */
  readonly token: string | null;
  /** The labels of its VM when it began, as JSON; null for one that nobody had labelled. */
  readonly labels: string | null;
  /** When somebody asked to cancel it. */
  readonly cancel_at: number | null;
  /** What it waits for, in a sentence. */
  readonly waits_for: string | null;
  /** How far its step is. */
  readonly progress: string | null;
  /** When it was last written, by the clock of the database; null of those from before that was kept. */
  readonly changed_at: number | null;
}

/** A server process on this store. */
interface ServerTable {
  readonly id: string;
  readonly started_at: number;
  /** How often it has said that it is alive. */
  readonly beat: number;
}

/** What one process does for all, such as `background`. */
interface LeaseTable {
  readonly name: string;
  /** Who has it; null while it is free. */
  readonly server: string | null;
  /** Grows whenever it is taken or made longer. */
  readonly beat: number;
  /** Grows with every change of hands. */
  readonly term: number;
}

/** Answers to requests that carried an idempotency key. */
interface RequestTable {
  readonly actor: string;
  readonly key: string;
  /** Of the request, so that one key cannot stand for two. */
  readonly fingerprint: string;
  readonly operation: string;
  /** By the clock of the database. */
  readonly at: number;
  /** How many requests under it are being answered. */
  readonly holders: number;
}

interface TokenTable {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, which nobody keeps. */
  readonly hash: string;
  readonly role: string;
  /** A label selector that VMs must match; null for every VM. */
  readonly scope: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly used_at: number | null;
}

interface AuditTable {
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  /** Where the request came from; null for the server's own socket. */
  readonly address: string | null;
  readonly request: string;
  /** The HTTP status, and the code of the error where there is one. */
  readonly outcome: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Measured values, packed in blocks: a series has one row for each stretch of time. */
interface HistoryTable {
  readonly series: string;
  /** Milliseconds between two values. */
  readonly step_ms: number;
  readonly start: number;
  /** The packed values, base64. */
  readonly block: string;
}

/** Every change of the schema, in order; a released one is never edited. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': {
    async up(db: Kysely<never>): Promise<void> {
      await db.schema
        .createTable('hosts')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('uri', 'text', (column) => column.notNull().unique())
        .addColumn('added_at', 'bigint', (column) => column.notNull())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('claims')
        .addColumn('vm_uuid', 'text', (column) => column.primaryKey())
        .addColumn('vm', 'text', (column) => column.notNull().unique())
        .addColumn('host', 'text', (column) => column.notNull().references('hosts.name'))
        .addColumn('placement', 'text', (column) => column.notNull())
        .addColumn('operation', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('operations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('vm', 'text', (column) => column.notNull())
        .addColumn('vm_uuid', 'text', (column) => column.notNull())
        .addColumn('host', 'text')
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('steps', 'text', (column) => column.notNull())
        .addColumn('done', 'integer', (column) => column.notNull())
        .addColumn('memory', 'text', (column) => column.notNull())
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('started_at', 'bigint', (column) => column.notNull())
        .addColumn('ended_at', 'bigint')
        .addColumn('error', 'text')
        .execute();
      await db.schema
        .createIndex('operations_by_vm')
        .on('operations')
        .columns(['vm', 'started_at'])
        .execute();
    },
  },
  '0002-relations': {
    async up(db: Kysely<never>): Promise<void> {
      await db.schema.alterTable('claims').addColumn('relations', 'text').execute();
    },
  },
  '0003-fleet': {
    async up(db: Kysely<never>): Promise<void> {
      for (const column of ['labels', 'settings', 'identity']) {
        await db.schema.alterTable('hosts').addColumn(column, 'text').execute();
      }
      await db.schema
        .createIndex('hosts_by_identity')
        .on('hosts')
        .column('identity')
        .unique()
        .execute();
      await db.schema
        .createTable('past_hosts')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .execute();
      await db.schema.alterTable('claims').addColumn('before', 'text').execute();
      await db.schema.alterTable('operations').addColumn('server', 'text').execute();
      await db.schema
        .alterTable('operations')
        .addColumn('epoch', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      for (const column of ['actor', 'token', 'labels']) {
        await db.schema.alterTable('operations').addColumn(column, 'text').execute();
      }
      await db.schema.alterTable('operations').addColumn('cancel_at', 'bigint').execute();
      await db.schema.alterTable('operations').addColumn('waits_for', 'text').execute();
      await db.schema.alterTable('operations').addColumn('progress', 'text').execute();
      await db.schema.alterTable('operations').addColumn('changed_at', 'bigint').execute();
      await db.schema
        .createIndex('operations_by_change')
        .on('operations')
        .column('changed_at')
        .execute();
      // One operation at a time works on a VM, whichever process carries it out.
      await db.schema
        .createIndex('operations_at_work')
        .on('operations')
        .column('vm')
        .unique()
        .where(sql.ref('state'), 'in', ['running', 'undoing'])
        .execute();
      await db.schema
        .createTable('servers')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('started_at', 'bigint', (column) => column.notNull())
        .addColumn('beat', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('leases')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('server', 'text')
        .addColumn('beat', 'bigint', (column) => column.notNull())
        .addColumn('term', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('requests')
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('fingerprint', 'text', (column) => column.notNull())
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('holders', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('requests_key', ['actor', 'key'])
        .execute();
      await addAccessTables(db);
    },
  },
};

/** Who may ask for what, what was asked, and what was measured. */
async function addAccessTables(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('scope', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('used_at', 'bigint')
    .execute();
  await db.schema
    .createTable('audit')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('address', 'text')
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .execute();
  await db.schema.createIndex('audit_by_time').on('audit').columns(['at', 'id']).execute();
  await db.schema
    .createTable('history')
    .addColumn('series', 'text', (column) => column.notNull())
    .addColumn('step_ms', 'bigint', (column) => column.notNull())
    .addColumn('start', 'bigint', (column) => column.notNull())
    .addColumn('block', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('history_key', ['series', 'step_ms', 'start'])
    .execute();
  await db.schema
    .createIndex('history_by_time')
    .on('history')
    .columns(['step_ms', 'start'])
    .execute();
}
