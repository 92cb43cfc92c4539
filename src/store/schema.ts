import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Tables of the store. They hold what hosts cannot: who the hosts are, claims in flight, and the
 * journal. JSON is text and times are milliseconds, so that both SQLite and PostgreSQL serve.
 */
export interface Schema {
  readonly hosts: HostTable;
  readonly claims: ClaimTable;
  readonly operations: OperationTable;
}

interface HostTable {
  readonly name: string;
  readonly uri: string;
  readonly added_at: number;
  /** Grows with every claim and release; a claim made on an older one lost its race. */
  readonly generation: number;
}

interface ClaimTable {
  readonly vm_uuid: string;
  readonly vm: string;
  readonly host: string;
  readonly placement: string;
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
};
