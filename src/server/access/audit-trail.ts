import type { FastifyRequest } from 'fastify';
import type { AuditPage, auditQuery } from '../../api/access.ts';
import type { z } from 'zod';
import type { AuditRecord } from '../../store/audit.ts';
import type { Store } from '../../store/store.ts';
import type { Ports } from '../ports.ts';
import { cursorAfter, placeOf } from '../services/cursor.ts';
import { auditedText, auditedWhole } from './audited-value.ts';

/** How long records are kept: a year, and a month to look back on it. */
export const AUDIT_KEPT_MS = 400 * 86_400_000;

/** The name of the log's order in cursors. */
const ORDER = 'audit';

/** What a route tells of the change that it makes. */
export interface ChangeNote {
  /** What it is about, where neither the path nor the body names it. */
  readonly target?: string;
  readonly before?: unknown;
  /** Absent: what the body of the request asked for. What its query asks for is kept beside it. */
  readonly after?: unknown;
}

/** What became of a request, and who made it. */
export type AuditEntry = Omit<AuditRecord, 'id' | 'at'>;

const notes = new WeakMap<FastifyRequest, ChangeNote>();

/**
 * Tells the audit log what a request changes, before and after; called by routes that know it. What
 * could be secret is left out of it.
 */
export function noteChange(request: FastifyRequest, note: ChangeNote): void {
  notes.set(request, { ...notes.get(request), ...note });
}

/** What a request is to, and what it changes, as far as it is told. */
export function changeOf(request: FastifyRequest): Pick<AuditEntry, 'target' | 'before' | 'after'> {
  const note = notes.get(request);
  const before = auditedWhole(note?.before);
  const after = auditedWhole({
    ...objectOr(request.query),
    ...objectOr(note?.after ?? request.body),
  });
  return {
    target: auditedText(note?.target ?? targetOf(request)),
    ...(before === undefined ? {} : { before }),
    ...(isEmpty(after) ? {} : { after }),
  };
}

/** Who did what: written for every request that changes something, or was refused to. */
export class AuditTrail {
  readonly #store: Store;
  readonly #ports: Ports;

  constructor(store: Store, ports: Ports) {
    this.#store = store;
    this.#ports = ports;
  }

  /**
   * Writes an entry down. What cannot be written has happened all the same, so the server's log
   * takes it.
   */
  async write(entry: AuditEntry): Promise<void> {
    const record = { ...entry, id: this.#ports.uuid(), at: this.#ports.now() };
    try {
      await this.#store.audit.append(record);
    } catch (error) {
      this.#ports.log.error({ audit: record, err: error }, 'the audit log cannot be written');
    }
  }

  /** Newest first. @throws BERTH_SPEC_INVALID for a cursor of another list */
  async page(query: z.output<typeof auditQuery>): Promise<AuditPage> {
    const { limit, cursor, ...filter } = query;
    const place = placeOf(cursor, ORDER, [0, '']);
    const older = place === undefined ? undefined : { at: Number(place[0]), id: String(place[1]) };
    const found = await this.#store.audit.list(filter, { limit: limit + 1, older });
    const audit = found.slice(0, limit);
    const last = audit.at(-1);
    return found.length > limit && last !== undefined
      ? { audit, next: cursorAfter(ORDER, [last.at, last.id]) }
      : { audit };
  }
}

function objectOr(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** `vm db1` for what a path or a document names; empty where nothing has a name. */
function targetOf(request: FastifyRequest): string {
  const params = request.params as Readonly<Record<string, unknown>> | null;
  const name = params?.['name'] ?? params?.['id'] ?? nameIn(request.body);
  if (typeof name !== 'string') return '';
  const [, kind = ''] =
    /^\/api\/v1\/([a-z-]+?)s?(?:\/|$)/.exec(request.routeOptions.url ?? '') ?? [];
  return `${kind} ${name}`;
}

function nameIn(body: unknown): unknown {
  const document = body as { name?: unknown; metadata?: { name?: unknown } | null } | null;
  return document?.name ?? document?.metadata?.name;
}
