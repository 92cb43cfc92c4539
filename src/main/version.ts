import { readFileSync } from 'node:fs';

/** Berth's version, as its package.json says. */
export function berthVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
