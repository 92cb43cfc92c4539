import { withoutTokens } from './token-secret.ts';

/**
 * Keys whose values may be kept in the audit log: names, sizes, places and rights. Every other value
 * is left out, so that a secret of a kind that is not thought of yet is not kept either.
 */
const KEPT: ReadonlySet<string> = new Set(
  [
    'apiVersion kind metadata spec name uri role scope expires expiresAt labels settings',
    'state machine vms force foreign restart start host cpu count policy dedicatedVcpus threads model',
    'cpuset emulator ioThreads place cpus memory size pages numa cells nodeset boot',
    'firmware order kernel initrd disks image device bus cache nics network bridge user mac',
    'pci pool match vendor class locality placement hosts excludeHosts affinity',
    'antiAffinity spread selector over hard maxSkew expectedLifetime reserved overcommit',
  ].flatMap((line) => line.split(' ')),
);
/** Maps whose keys people choose. */
const CHOSEN: ReadonlySet<string> = new Set(['labels', 'hosts']);

const LEFT_OUT = '(not kept)';
const TEXT_CHARS_MAX = 1024;
const ITEMS_MAX = 256;
const WHOLE_CHARS_MAX = 16 * 1024;
const DEPTH_MAX = 12;

/** A value as the audit log keeps it: without what could be secret, and of at most 16 KiB. */
export function auditedWhole(value: unknown): unknown {
  const kept = auditedValue(value);
  const size = JSON.stringify(kept)?.length ?? 0;
  return size <= WHOLE_CHARS_MAX ? kept : `(not kept: ${size} characters)`;
}

/** The same with no bound on the whole. */
export function auditedValue(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return LEFT_OUT;
  if (typeof value === 'string') return auditedText(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => auditedValue(item, depth + 1));
  }
  if (typeof value !== 'object' || value === undefined) return undefined;
  const entries = Object.entries(value).slice(0, ITEMS_MAX);
  return Object.fromEntries(
    entries.map(([key, inner]) => [auditedText(key), auditedEntry(key, inner, depth)]),
  );
}

function auditedEntry(key: string, value: unknown, depth: number): unknown {
  if (!KEPT.has(key)) return LEFT_OUT;
  return CHOSEN.has(key) && isMap(value) ? auditedWords(value) : auditedValue(value, depth + 1);
}

function auditedWords(words: object): unknown {
  return Object.fromEntries(
    Object.entries(words)
      .slice(0, ITEMS_MAX)
      .map(([key, word]) => [
        auditedText(key),
        typeof word === 'string' ? auditedText(word) : word === null ? null : LEFT_OUT,
      ]),
  );
}

/** A text as the audit log keeps it. */
export function auditedText(text: string): string {
  return withoutTokens(text).slice(0, TEXT_CHARS_MAX);
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
