import { i64, optional, string, struct, u32 } from '../xdr/codec.ts';
import { Program } from '../rpc/frame.ts';
import { domain, type Domain } from '../procedures/objects.ts';
import {
  eventKind,
  eventSourceOf,
  uuidOf,
  type EventKind,
  type EventSource,
} from './event-kind.ts';

/** How the name of a monitor event is matched (VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_*). */
export const QemuMonitorEventFlag = {
  /** The name is a regular expression of GLib, found anywhere in the event's name. */
  regex: 1 << 0,
  /** Small and capital letters are the same. */
  nocase: 1 << 1,
} as const;

/** An event of QEMU's own monitor. */
export interface QemuMonitorEvent {
  readonly dom: Domain;
  /** QEMU's name of it, such as `STOP`. */
  readonly event: string;
  /** When QEMU sent it: seconds since the epoch, and microseconds of that second. */
  readonly seconds: bigint;
  readonly micros: number;
  /** Its data as JSON text; left out where it has none. */
  readonly details?: string | undefined;
}

/** Which monitor events are wanted. */
export interface QemuMonitorEventChoice {
  /** QEMU's name of the event, or a pattern; all events when left out. */
  readonly event?: string;
  /** QemuMonitorEventFlag. */
  readonly flags?: number;
}

/**
 * A pattern that every name fits. libvirt refuses a registration without a name while another is on
 * the same connection, but takes any number of those with one (9.0, object_event.c).
 */
const ALL: QemuMonitorEventChoice = { event: '', flags: QemuMonitorEventFlag.regex };

/**
 * Events of QEMU's monitor as they come, for `Connection.subscribe`. Only those that QEMU sends to
 * libvirt anyway: nothing is switched on by asking. Needs a read-write connection to a QEMU driver;
 * libvirt does not promise that names and details stay. Outside of what libvirt supports, so
 * prefer DomainEvent wherever it tells the same.
 *
 * @since 1.2.3
 */
export function qemuMonitorEvent(
  choice: QemuMonitorEventChoice = {},
): EventKind<QemuMonitorEvent, Domain> {
  const { event, flags = 0 } = choice.event === undefined ? ALL : choice;
  const source = eventSourceOf(
    Program.qemu,
    (_, dom: Domain | undefined) => JSON.stringify([dom && uuidOf(dom), flags, event]),
    { name: 'connectDomainMonitorEventRegister', number: 4, args: registration(event, flags) },
    { name: 'connectDomainMonitorEventDeregister', number: 5 },
  );
  return eventKind(
    source,
    'domainMonitorEvent',
    { eventId: 0, message: 6 },
    { dom: domain, event: string, seconds: i64, micros: u32, details: optional(string) },
  );
}

/** The domain, the name and the flags; there is no event id on this wire, so it reads as 0. */
function registration(event: string | undefined, flags: number): Registration {
  const wire = struct({ object: optional(domain), event: optional(string), flags: u32 });
  return {
    write: (writer, { object }) => wire.write(writer, { object, event, flags }),
    read: (reader) => ({ eventId: 0, object: wire.read(reader).object }),
  };
}

type Registration = EventSource<Domain>['register']['args'];
