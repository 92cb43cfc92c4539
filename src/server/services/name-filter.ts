import { matchesGlob } from '../../base/glob.ts';

/** Whether a name is one of those asked for: by a part of it; or by all of it, with `*` and `?`. */
export function nameFilter(asked: string | undefined): (name: string) => boolean {
  if (asked === undefined) return () => true;
  if (!/[*?]/.test(asked)) return (name) => name.includes(asked);
  return (name) => matchesGlob(asked, name);
}
