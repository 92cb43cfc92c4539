import type { HostSnapshot } from '../../model/host.ts';
import { OVER_HOST } from '../../model/relation.ts';

/** Marks a host that is in no place, because it lacks the label. */
export const NO_PLACE = -1;

/** The places that hosts make by one label: hosts with the same value are one place. */
export interface Places {
  /** The place of each host, by its index; `NO_PLACE` where it lacks the label. */
  readonly of: readonly number[];
  readonly count: number;
  /** "zone a", "host h1": the place in words. */
  readonly say: (place: number) => string;
}

/** The places over one word of a rule. */
export function placesOver(hosts: readonly HostSnapshot[], over: string): Places {
  const values = new Map<string, number>();
  const of = hosts.map(({ name, labels }, index) => {
    const value = over === OVER_HOST ? name : labels?.[over];
    if (value === undefined) return NO_PLACE;
    const place = over === OVER_HOST ? index : (values.get(value) ?? values.size);
    values.set(value, place);
    return place;
  });
  const names = [...values.keys()];
  return { of, count: values.size, say: (place) => `${over} ${names[place] ?? ''}` };
}
