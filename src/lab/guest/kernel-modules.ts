import { berthError } from '../../base/errors.ts';

/** Which other modules each module needs, by file path below /lib/modules/VERSION. */
export type ModuleDependencies = ReadonlyMap<string, readonly string[]>;

/**
 * Reads modules.dep as depmod(8) writes it: `path: what it needs, the last of the chain last`.
 */
export function parseModulesDep(text: string): ModuleDependencies {
  const dependencies = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const needed = line
      .slice(colon + 1)
      .split(' ')
      .filter((path) => path !== '');
    dependencies.set(line.slice(0, colon), needed);
  }
  return dependencies;
}

/**
 * The files to load, in an order in which each finds what it needs loaded before it. Names may be
 * spelled with `-` or `_`; those in `builtin` (text of modules.builtin) need no file.
 * @throws BERTH_UNSUPPORTED when the kernel has a module neither as a file nor built in.
 */
export function modulesToLoad(
  names: readonly string[],
  dependencies: ModuleDependencies,
  builtin: string,
): readonly string[] {
  const paths = new Map([...dependencies.keys()].map((path) => [moduleName(path), path]));
  const builtinNames = new Set(builtin.split('\n').map(moduleName));
  const ordered = new Set<string>();
  for (const name of names.map(moduleName)) {
    const path = paths.get(name);
    if (path !== undefined) {
      for (const needed of (dependencies.get(path) ?? []).toReversed()) ordered.add(needed);
      ordered.add(path);
    } else if (!builtinNames.has(name)) {
      throw berthError('BERTH_UNSUPPORTED', {
        what: 'a guest with this kernel',
        why: `it has no module ${name}`,
      });
    }
  }
  return [...ordered];
}

/** `kernel/drivers/char/virtio-rng.ko.xz` is the module virtio_rng. */
function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.(gz|xz|zst))?$/, '').replaceAll('-', '_');
}
