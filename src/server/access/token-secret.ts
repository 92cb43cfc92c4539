import { createHash, timingSafeEqual } from 'node:crypto';

/** Bytes of chance in a token's secret: 256 bits cannot be guessed, so a plain hash of it will do. */
export const SECRET_BYTES = 32;
export const ID_BYTES = 8;

const FORM = /^berth_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
/** What is compared against when there is no such token, so that both cases cost the same. */
const NOBODY = hashOf('');

/** A token's text taken apart. */
export interface PresentedToken {
  readonly id: string;
  readonly secret: string;
}

/** The text that the holder of a token keeps: `berth_<id>_<secret>`. */
export function tokenText({ id, secret }: PresentedToken): string {
  return `berth_${id}_${secret}`;
}

/** Undefined for what is no token at all. */
export function parseToken(text: string): PresentedToken | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** A text in which somebody may have put a token where none belongs, without its secret. */
export function withoutTokens(text: string): string {
  return text.replaceAll(/(berth_[0-9a-f]{16}_)[A-Za-z0-9_-]{16,}/g, '$1(secret)');
}

/** SHA-256 in hexadecimal. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether a secret is the one of a hash, in a time that tells nothing; never for no hash. */
export function isSecretOf(secret: string, hash: string | undefined): boolean {
  const isSame = timingSafeEqual(
    Buffer.from(hashOf(secret), 'hex'),
    Buffer.from(hash ?? NOBODY, 'hex'),
  );
  return isSame && hash !== undefined;
}
