import type { HostView } from '../api/resources.ts';

type Seat = HostView['seats'][number];

/** What one pCPU of the map is doing. `place` is the VM's place in the legend. */
export type CpuUse =
  | { readonly kind: 'free' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'reserved' }
  | { readonly kind: 'own'; readonly place: number }
  | { readonly kind: 'shared'; readonly places: readonly number[] }
  /** Dedicated to more than one VM: something is wrong. */
  | { readonly kind: 'overlap'; readonly places: readonly number[] };

/** A VM with a seat on the host, and its letters in the map. */
export interface Tenant {
  readonly key: string;
  readonly seat: Seat;
}

/** Who is on a host: the rows of the legend, and the use of every pCPU. */
export interface Owners {
  readonly tenants: readonly Tenant[];
  /** Width of the longest key. */
  readonly keyWidth: number;
  use(cpu: { readonly id: number; readonly online: boolean }): CpuUse;
}

/** Tells for every pCPU who owns it; VMs get their keys in the order of their names. */
export function ownersOf(host: HostView): Owners {
  const seats = host.seats.toSorted((a, b) => (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0));
  const reserved = new Set(host.policy.reservedCpus);
  const dedicated = placesByCpu(seats.map((seat) => seat.dedicated));
  const floating = placesByCpu(seats.map((seat) => seat.floating.over ?? []));
  const everywhere = seats.flatMap(({ floating: { vcpus, over } }, place) =>
    vcpus > 0 && over === undefined ? [place] : [],
  );
  const use = (cpu: { readonly id: number; readonly online: boolean }): CpuUse => {
    if (!cpu.online) return { kind: 'offline' };
    const owners = dedicated.get(cpu.id) ?? [];
    if (owners.length > 1) return { kind: 'overlap', places: owners };
    if (owners[0] !== undefined) return { kind: 'own', place: owners[0] };
    if (reserved.has(cpu.id)) return { kind: 'reserved' };
    const places = [...(floating.get(cpu.id) ?? []), ...everywhere].toSorted((a, b) => a - b);
    return places.length === 0 ? { kind: 'free' } : { kind: 'shared', places };
  };
  const tenants = seats.map((seat, place) => ({ key: keyOf(place), seat }));
  return { tenants, keyWidth: Math.max(1, ...tenants.map(({ key }) => key.length)), use };
}

function placesByCpu(cpusOfPlaces: readonly (readonly number[])[]): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const [place, cpus] of cpusOfPlaces.entries()) {
    for (const cpu of new Set(cpus)) places.set(cpu, [...(places.get(cpu) ?? []), place]);
  }
  return places;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A to Z, then Aa to Zz: beyond 26 the second letter is small, so that keys stay one word. */
function keyOf(place: number): string {
  const letter = (index: number): string => LETTERS[index % LETTERS.length] ?? '';
  if (place < LETTERS.length) return letter(place);
  const rest = place - LETTERS.length;
  return letter(Math.floor(rest / LETTERS.length)) + letter(rest).toLowerCase();
}
