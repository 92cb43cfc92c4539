import { fileURLToPath } from 'node:url';
import { compileC, type CompileOptions } from '../system/c-compiler.ts';

/** Found from the sources and from the compiled files alike; the compiler copies no C. */
const SOURCE = fileURLToPath(new URL('../../../src/lab/machine/shim.c', import.meta.url));

/** The library that a lab host's programs are preloaded with; see shim.c for what it does. */
export interface Shim {
  /** Path of the library. Each host needs a copy in a folder of its own, where its state lies too. */
  readonly library: string;
}

/**
 * Builds the shim for this machine, or finds the one that was built before.
 * @throws BERTH_PACKAGES_NEEDED when there is no C compiler, and what compileC does.
 */
export async function buildShim(options: CompileOptions): Promise<Shim> {
  return { library: await compileC({ source: SOURCE, kind: 'library' }, options) };
}
