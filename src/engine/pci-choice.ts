import { formatIntSet } from '../base/int-set.ts';
import { answersAsk, askName } from '../model/pci-ask.ts';
import type { PciAsk } from '../model/pci-ask.ts';
import type { HostTopology, PciFunction } from '../model/topology.ts';
import { assignFreely } from './assignment.ts';
import type { Frame } from './frame.ts';
import { holdersOf } from './holders.ts';
import { cellDistance } from './host-shape.ts';
import { compareRanks } from './rank.ts';
import type { BrokenLimit } from './refusal.ts';
import { counted, named } from './wording.ts';

/** A PCI function and the index of its cell; absent where nobody tells. */
export interface PciDevice {
  readonly pci: PciFunction;
  readonly home?: number;
}

/** A function chosen for a guest. */
export interface PciSeat extends PciDevice {
  readonly ask: PciAsk;
}

/** Functions for everything asked for, or what stands against them. */
export type PciChoice =
  | {
      readonly ok: true;
      readonly seats: readonly PciSeat[];
      /** Of the functions that were to be near if possible the share that is, 0 to 1. */
      readonly near: number;
    }
  | { readonly ok: false; readonly broken: BrokenLimit };

/**
 * Chooses functions for a guest in those cells, by index: near ones, then such that hang on one
 * switch. It finds a choice whenever there is one, also where several asks want the same functions.
 */
export function choosePci(frame: Frame, homes: readonly number[]): PciChoice {
  const units = unitsOf(frame.request.pci ?? []);
  const free = freeDevices(frame);
  const candidates = units.map((unit) =>
    inOrder(frame, unit, {
      homes,
      devices: free.filter((device) => mayHave(frame, unit.ask, device, homes)),
    }),
  );
  const places = new Map(free.map((device, index) => [device, index]));
  const assigned = assignFreely(
    candidates.map((devices) => devices.map((device) => places.get(device) ?? 0)),
  );
  if ('shortOf' in assigned) {
    return { ok: false, broken: localityBroken(frame, units[assigned.shortOf], homes) };
  }
  const seats = units.map(({ ask }, index): PciSeat => {
    const device = free[assigned.cells[index] ?? -1];
    return { ask, ...(device as PciDevice) };
  });
  const wished = seats.filter(({ ask }) => ask.locality === 'preferred');
  const near = wished.filter(({ home }) => home !== undefined && homes.includes(home)).length;
  return { ok: true, seats, near: wished.length === 0 ? 1 : near / wished.length };
}

/** What the host cannot give wherever the guest sits. */
export function hostPciLimits(frame: Frame): readonly BrokenLimit[] {
  const units = unitsOf(frame.request.pci ?? []);
  if (units.length === 0) return [];
  const free = freeDevices(frame);
  const every = frame.ledger.cells.map(({ index }) => index);
  const assigned = assignFreely(
    units.map(({ ask }) => free.flatMap((d, i) => (mayHave(frame, ask, d, every) ? [i] : []))),
  );
  const unit = 'shortOf' in assigned ? units[assigned.shortOf] : undefined;
  return unit === undefined ? [] : [countBroken(frame, unit)];
}

/** What of a host's functions that have to be near decides where a guest of several cells may sit. */
export function neededNear(frame: Frame): {
  /** How many it needs. */
  readonly count: number;
  /** Cells, by index, that have some that are free. */
  readonly homes: readonly number[];
} {
  const asks = (frame.request.pci ?? []).filter(({ locality }) => locality === 'required');
  const devices = freeDevices(frame).filter((device) =>
    asks.some((ask) => answers(frame, ask, device)),
  );
  return {
    count: asks.reduce((sum, ask) => sum + ask.count, 0),
    homes: [...new Set(devices.flatMap(({ home }) => home ?? []))].toSorted((a, b) => a - b),
  };
}

/** How many functions that are to be near are not in that cell. */
export function pciShortfall(frame: Frame, home: number): number {
  const asks = (frame.request.pci ?? []).filter(({ locality }) => locality !== 'any');
  if (asks.length === 0) return 0;
  const here = freeDevices(frame).filter((device) => device.home === home);
  return asks.reduce((sum, ask) => {
    const have = here.filter((device) => answers(frame, ask, device)).length;
    return sum + Math.max(0, ask.count - have);
  }, 0);
}

/** One function of an ask; `nth` counts within the ask. */
interface Unit {
  readonly ask: PciAsk;
  readonly nth: number;
}

/** Those that must be near first, as they have the least choice. */
function unitsOf(asks: readonly PciAsk[]): readonly Unit[] {
  const order = ['required', 'preferred', 'any'];
  return asks
    .toSorted((a, b) => order.indexOf(a.locality) - order.indexOf(b.locality))
    .flatMap((ask) => Array.from({ length: ask.count }, (_, nth) => ({ ask, nth })));
}

function freeDevices({ ledger }: Frame): readonly PciDevice[] {
  const { topology } = ledger.host;
  return devicesOf(topology).filter(({ pci }) => ledger.pciHolders?.has(pci.address) !== true);
}

const known = new WeakMap<HostTopology, readonly PciDevice[]>();

/** Every function of a machine by address. On a machine of one cell each is on that. */
function devicesOf(topology: HostTopology): readonly PciDevice[] {
  const found = known.get(topology);
  if (found !== undefined) return found;
  const { cells, pciAnywhere } = topology;
  const devices = [
    ...cells.flatMap((cell, home) => cell.pci.map((pci) => ({ pci, home }))),
    ...pciAnywhere.map((pci) => (cells.length === 1 ? { pci, home: 0 } : { pci })),
  ].toSorted((a, b) => (a.pci.address < b.pci.address ? -1 : 1));
  known.set(topology, devices);
  return devices;
}

function answers({ ledger }: Frame, ask: PciAsk, { pci }: PciDevice): boolean {
  return answersAsk(ask, pci, ledger.host.policy.pciPools);
}

function mayHave(frame: Frame, ask: PciAsk, device: PciDevice, homes: readonly number[]): boolean {
  if (!answers(frame, ask, device)) return false;
  if (ask.locality !== 'required') return true;
  return device.home !== undefined && homes.includes(device.home);
}

/** The best first: in the unit's own cell, in another of the guest, nearer ones; then by switch. */
function inOrder(
  frame: Frame,
  { ask, nth }: Unit,
  among: { readonly homes: readonly number[]; readonly devices: readonly PciDevice[] },
): readonly PciDevice[] {
  const { homes, devices } = among;
  const own = homes[nth % Math.max(1, homes.length)];
  const isNear = ask.locality !== 'any';
  const far = ({ home }: PciDevice): number => {
    if (!isNear || own === undefined) return 0;
    if (home === undefined) return Infinity;
    return home === own ? 0 : cellDistance(frame.ledger.host.topology, own, home);
  };
  const switches = Map.groupBy(devices, (device) => `${device.home} ${device.pci.switch}`);
  const onSwitch = (device: PciDevice): number =>
    switches.get(`${device.home} ${device.pci.switch}`)?.length ?? 0;
  const rank = (device: PciDevice): readonly number[] => {
    const together = onSwitch(device);
    const enough = together >= ask.count;
    return [far(device), enough ? 0 : 1, enough ? together : -together];
  };
  return devices
    .map((device, index) => ({ device, rank: [...rank(device), index] }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank))
    .map(({ device }) => device);
}

function countBroken(frame: Frame, { ask, nth }: Unit): BrokenLimit {
  const { host } = frame.ledger;
  const all = devicesOf(host.topology).filter((device) => answers(frame, ask, device));
  const near = ask.locality === 'required' ? ' of a known cell' : '';
  return {
    check: 'pci',
    need: ask.count,
    have: nth,
    unit: 'functions',
    say: `${host.name} has ${counted(nth, 'free PCI function')} ${askName(ask)}${near} for the VM, of ${all.length} in all; it needs ${ask.count}`,
    heldBy: holdersAmong(frame, all),
  };
}

function localityBroken(
  frame: Frame,
  unit: Unit | undefined,
  homes: readonly number[],
): BrokenLimit {
  if (unit === undefined || unit.ask.locality !== 'required') {
    return countBroken(frame, unit ?? { ask: { count: 1, locality: 'any' }, nth: 0 });
  }
  const { ask, nth } = unit;
  const ids = homes.map((index) => frame.ledger.cells[index]?.id ?? index);
  const [only] = ids;
  const place = named('cell', formatIntSet(ids));
  const here = devicesOf(frame.ledger.host.topology).filter(
    (device) => answers(frame, ask, device) && homes.includes(device.home ?? -1),
  );
  return {
    check: 'pci-locality',
    ...(ids.length === 1 && only !== undefined ? { cell: only } : {}),
    need: ask.count,
    have: nth,
    unit: 'functions',
    say: `${place} ${ids.length === 1 ? 'has' : 'have'} ${counted(nth, 'free PCI function')} ${askName(ask)} for the VM; it needs ${ask.count} on a cell of its own`,
    heldBy: holdersAmong(frame, here),
  };
}

function holdersAmong({ ledger }: Frame, devices: readonly PciDevice[]): readonly string[] {
  const addresses = new Set(devices.map(({ pci }) => pci.address));
  return holdersOf(ledger, (seat) => seat.pci?.some((one) => addresses.has(one)) === true);
}
