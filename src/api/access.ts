import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import { parseLabelSelector } from '../model/label-selector.ts';
import { nextCursor, pageQuery } from './paging.ts';
import { coded } from './schema-error.ts';

/**
 * Who may do what, as the API shows it. `viewer` looks, `operator` also acts on VMs, `admin` also
 * changes the fleet and who may use it. Each may do what those before it may.
 */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Longest a token may be made for; one without an expiry lasts until it is removed. */
const EXPIRES_MS_MAX = 10 * 365 * 86_400_000;

export const tokenName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,62}$/, 'must be a plain name')
  .refine((name) => name !== 'owner', 'must not be "owner", who is who owns the socket');

export const tokenView = z.object({
  /** The part of the token's text that is no secret. */
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** A label selector; what is not about VMs that match it is closed. Absent: every VM. */
  scope: z.string().optional(),
  createdAt: z.number(),
  expiresAt: z.number().optional(),
  /** To the minute. */
  usedAt: z.number().optional(),
});

export const tokenList = z.object({ tokens: z.array(tokenView) });

/** The answer to a creation: the only time that the secret is told. */
export const createdToken = tokenView.extend({ token: z.string() });

export const tokenWish = z.strictObject({
  name: tokenName,
  role: z.enum(ROLES),
  scope: z
    .string()
    .max(4096)
    .refine((text) => text.trim() !== '', 'must have a condition; leave it out for every VM')
    .superRefine((text, context) => {
      coded(context, () => parseLabelSelector(text, ''));
    })
    .optional(),
  /** For how long, such as `30d`. */
  expires: z
    .string()
    .transform((text, context) => coded(context, () => parseDuration(text, '')))
    .refine((ms) => ms <= EXPIRES_MS_MAX, 'must be at most ten years (3650d)')
    .optional(),
});

export const loginBody = z.strictObject({ token: z.string().max(256) });

/** Who asks, and what that may do. */
export const whoamiView = z.object({
  /** The name of the token; `owner` for the owner of the server's socket. */
  actor: z.string(),
  role: z.enum(ROLES),
  scope: z.string().optional(),
  /** When the session or the token ends. */
  expiresAt: z.number().optional(),
  /** With a session: to be sent as `X-CSRF-Token` with everything that changes something. */
  csrfToken: z.string().optional(),
});

export const auditView = z.object({
  id: z.string(),
  at: z.number(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  /** Where the request came from; absent for the server's own socket. */
  address: z.string().optional(),
  request: z.string(),
  /** The HTTP status of the answer, and the code of the error where there is one. */
  status: z.number(),
  code: z.string().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

export const auditPage = z.object({ audit: z.array(auditView), next: nextCursor });

const auditWord = z.string().max(512).optional();

export const auditQuery = pageQuery.extend({
  actor: auditWord.describe('the name of a token, or `owner`'),
  action: auditWord.describe('such as `createVm`'),
  target: auditWord.describe('such as `vm db1`'),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('not older than this, in milliseconds since the epoch'),
});

export type TokenView = z.output<typeof tokenView>;
export type CreatedToken = z.output<typeof createdToken>;
export type TokenWish = z.input<typeof tokenWish>;
export type WhoamiView = z.output<typeof whoamiView>;
export type AuditView = z.output<typeof auditView>;
export type AuditPage = z.output<typeof auditPage>;

/** Which entries of the audit log a client asks for; every condition must hold. */
export interface AuditQuery {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** In milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}
