import { i32, optional, struct, type Codec, type Shape, type StructOf } from '../xdr/codec.ts';
import { Program } from '../rpc/frame.ts';
import type { CallProcedure } from '../rpc/procedure.ts';

/**
 * Where a daemon's events come from. Each source has its own calls and counts its callback ids by
 * itself, so equal ids of two sources mean different things.
 */
export interface EventSource<O> {
  /**
   * Tells registrations apart as libvirt does: two with the same identity cannot be on one
   * connection. Of an object only its key counts (its UUID, or its name where it has none).
   */
  identity(eventId: number, object: O | undefined): string;
  readonly register: CallProcedure<
    { readonly eventId: number; readonly object?: O | undefined },
    { readonly callbackId: number }
  >;
  readonly deregister: CallProcedure<{ readonly callbackId: number }, object>;
}

/** One kind of event: what it is asked for with, and what its messages hold. */
export interface EventKind<E, O> {
  /** libvirt's name of the message in camel case. */
  readonly name: string;
  readonly source: EventSource<O>;
  /** The number it is registered under. */
  readonly eventId: number;
  readonly program: number;
  /** The procedure number of its messages. */
  readonly message: number;
  /** The message behind the callback id. */
  readonly body: Codec<E>;
}

/** A source of events of the remote program; `key` is what libvirt knows an object by. */
export function eventSource<O>(
  object: Codec<O>,
  key: (object: O) => string,
  register: { readonly name: string; readonly number: number },
  deregister: { readonly name: string; readonly number: number },
): EventSource<O> {
  const args = registration(object);
  const identity = (eventId: number, object: O | undefined): string =>
    `${eventId}/${object === undefined ? '' : key(object)}`;
  return eventSourceOf(Program.remote, identity, { ...register, args }, deregister);
}

/** A source of events of any program, with arguments of its own to register with. */
export function eventSourceOf<O>(
  program: number,
  identity: EventSource<O>['identity'],
  register: {
    readonly name: string;
    readonly number: number;
    readonly args: EventSource<O>['register']['args'];
  },
  deregister: { readonly name: string; readonly number: number },
): EventSource<O> {
  const callback = struct({ callbackId: i32 });
  const call = { program, effect: false, stream: 'none' } as const;
  return {
    identity,
    register: { ...call, ...register, result: callback },
    deregister: { ...call, ...deregister, args: callback, result: struct({}) },
  };
}

/** A kind of event of its source's program; the shape leaves out the leading callback id. */
export function eventKind<O, S extends Shape>(
  source: EventSource<O>,
  name: string,
  numbers: { readonly eventId: number; readonly message: number },
  shape: S,
): EventKind<StructOf<S>, O> {
  return { name, source, ...numbers, program: source.register.program, body: struct(shape) };
}

/** The key of an object that has a UUID, however its text is written. */
export function uuidOf({ uuid }: { readonly uuid: string }): string {
  return uuid.toLowerCase();
}

function registration<O>(codec: Codec<O>): EventSource<O>['register']['args'] {
  const object = optional(codec);
  return {
    write: (writer, asked) => {
      i32.write(writer, asked.eventId);
      object.write(writer, asked.object);
    },
    read: (reader) => ({ eventId: i32.read(reader), object: object.read(reader) }),
  };
}
