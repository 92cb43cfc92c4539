import { present } from '../../base/assert.ts';
import type { HostShape } from '../host-shape.ts';
import type { Ledger } from '../ledger.ts';
import type { Outlook } from '../policy/outlook.ts';
import { Room } from '../room/room.ts';
import { layoutOfShape } from '../room/room-layout.ts';
import type { RoomLayout } from '../room/room-layout.ts';
import { writeRoom } from '../room/write-room.ts';

/** What every host of a fleet can still give, in one long row of counts. */
export class FleetRooms {
  readonly #ledgers: readonly Ledger[];
  readonly #layouts: readonly RoomLayout[];
  readonly #starts: Float64Array;
  readonly #rows: Float64Array;
  readonly #worths: Float64Array;
  #outlook: Outlook;
  readonly #varieties: Uint32Array;

  constructor(ledgers: readonly Ledger[], outlook: Outlook) {
    this.#ledgers = ledgers;
    this.#outlook = outlook;
    this.#layouts = ledgers.map(({ shape }) => layoutOfShape(shape));
    this.#starts = new Float64Array(ledgers.length);
    let width = 0;
    for (const [host, layout] of this.#layouts.entries()) {
      this.#starts[host] = width;
      width += layout.width;
    }
    this.#rows = new Float64Array(width);
    this.#worths = new Float64Array(ledgers.length);
    for (let host = 0; host < ledgers.length; host++) this.update(host);
    this.#varieties = varietiesOf(ledgers);
  }

  /** The same number for hosts of one shape and one policy, as far as guests are planned for them. */
  varietyOf(host: number): number {
    return this.#varieties[host] ?? 0;
  }

  /** Reads a host's books again. */
  update(host: number): void {
    const layout = present(this.#layouts[host], 'the layout of a host');
    const ledger = present(this.#ledgers[host], 'the ledger of a host');
    const at = this.#starts[host] ?? 0;
    writeRoom(ledger, layout, { row: this.#rows, at });
    this.#worths[host] = this.#outlook.worth.beside(this.#rowAt(host, layout), layout);
  }

  /** Values every room anew. */
  setOutlook(outlook: Outlook): void {
    this.#outlook = outlook;
    for (const [host, layout] of this.#layouts.entries()) {
      this.#worths[host] = outlook.worth.beside(this.#rowAt(host, layout), layout);
    }
  }

  /** The room of one host, good until its books change. */
  at(host: number): Room {
    const layout = present(this.#layouts[host], 'the layout of a host');
    const ledger = present(this.#ledgers[host], 'the ledger of a host');
    const row = this.#rowAt(host, layout);
    return new Room(ledger, this.#outlook, { row, worth: this.#worths[host] ?? 0 });
  }

  #rowAt(host: number, layout: RoomLayout): Float64Array {
    const at = this.#starts[host] ?? 0;
    return this.#rows.subarray(at, at + layout.width);
  }
}

function varietiesOf(ledgers: readonly Ledger[]): Uint32Array {
  const known = new Map<HostShape, Map<string, number>>();
  let count = 0;
  return Uint32Array.from(ledgers, ({ shape, host: { policy } }) => {
    const { overhead, boundRatio, ramCounts } = policy;
    const key = `${overhead} ${boundRatio} ${ramCounts}`;
    const ofShape = known.get(shape) ?? new Map<string, number>();
    known.set(shape, ofShape);
    const variety = ofShape.get(key) ?? count++;
    ofShape.set(key, variety);
    return variety;
  });
}
