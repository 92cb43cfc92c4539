#!/usr/bin/env node
// The first file that Node runs. Plain JavaScript on purpose: only from such an entry does the
// compile cache also hold the TypeScript that is stripped behind it, which halves the start.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

try {
  enableCompileCache(fileURLToPath(new URL('../../.cache/compile', import.meta.url)));
} catch {
  // A checkout that cannot be written to starts slower, and that is all.
}
// A checkout runs its sources; the published package, where Node strips no types, brings JavaScript.
const source = new URL('main.ts', import.meta.url);
const entry = existsSync(source) ? source : new URL('../../dist/main/main.js', import.meta.url);
const { main } = await import(entry.href);
await main(process.argv.slice(2));
