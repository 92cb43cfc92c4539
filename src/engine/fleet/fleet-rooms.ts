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
  readonly #layouts: RoomLayout[];
  readonly #starts: Float64Array;
  readonly #rows: Float64Array;
  readonly #worths: Float64Array;
  #outlook: Outlook;
  readonly #varieties: Uint32Array;
  readonly #known = new Varieties();

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
    this.#varieties = Uint32Array.from(ledgers, (ledger) => this.#known.of(ledger));
  }

  /** The same number for hosts of one shape and one policy, as far as guests are planned for them. */
  varietyOf(host: number): number {
    return this.#varieties[host] ?? 0;
  }

  /**
   * A host has other books from now on, and perhaps another shape or policy.
   * @returns false where its counts need another number of places in the row: make the rooms anew.
   */
  reopen(host: number): boolean {
    const ledger = present(this.#ledgers[host], 'the ledger of a host');
    const layout = layoutOfShape(ledger.shape);
    if (layout.width !== this.#layouts[host]?.width) return false;
    this.#layouts[host] = layout;
    this.#varieties[host] = this.#known.of(ledger);
    this.update(host);
    return true;
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

/** Numbers for what hosts have alike. */
class Varieties {
  readonly #known = new Map<HostShape, Map<string, number>>();
  #count = 0;

  of({ shape, host: { policy } }: Ledger): number {
    const { overhead, boundRatio, ramCounts } = policy;
    const key = `${overhead} ${boundRatio} ${ramCounts}`;
    const ofShape = this.#known.get(shape) ?? new Map<string, number>();
    this.#known.set(shape, ofShape);
    const variety = ofShape.get(key) ?? this.#count++;
    ofShape.set(key, variety);
    return variety;
  }
}
