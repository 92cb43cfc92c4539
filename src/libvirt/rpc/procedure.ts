import { berthError } from '../../base/errors.ts';
import { struct, type Codec, type Shape, type StructOf } from '../xdr/codec.ts';
import { Program } from './frame.ts';

/** Where the data of a stream go, seen from the client. */
export type StreamDirection = 'read' | 'write' | 'both';

/** One row of the protocol: what is sent, and what comes back. */
export interface Procedure<A, R> {
  /** libvirt's own name in camel case: `domain_get_xml_desc` is `domainGetXmlDesc`. */
  readonly name: string;
  readonly program: number;
  readonly number: number;
  /**
   * True when the call changes something, so that a lost reply leaves it unknown whether it
   * happened. Calls without effect can simply be made again.
   */
  readonly effect: boolean;
  readonly args: Codec<A>;
  readonly result: Codec<R>;
}

/** A procedure that is done with its reply. */
export interface CallProcedure<A, R> extends Procedure<A, R> {
  readonly stream: 'none';
}

/** A procedure whose reply opens a stream. */
export interface StreamProcedure<A, R, D extends StreamDirection> extends Procedure<A, R> {
  readonly stream: D;
  /** True when the arguments ask for holes as holes, so that the stream carries objects. */
  readonly isSparse: (args: A) => boolean;
}

/**
 * Refuses what is no procedure, such as the undefined of a name that was mistyped.
 * @throws BERTH_SPEC_INVALID.
 */
export function checkProcedure(
  procedure: { readonly args?: { readonly write?: unknown } } | undefined,
): void {
  if (typeof procedure?.args?.write === 'function') return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'the procedure of a call',
    problem: procedure === undefined ? 'it is missing' : 'it is no procedure',
    expected: 'one that berth/libvirt exports, such as domainLookupByName',
  });
}

/** A procedure that only reads. Shapes are in wire order. */
export function query<A extends Shape, R extends Shape>(
  name: string,
  number: number,
  args: A,
  result: R,
): CallProcedure<StructOf<A>, StructOf<R>> {
  return { ...row(name, number, args, result), effect: false, stream: 'none' };
}

/** A procedure that changes something on the host. Shapes are in wire order. */
export function command<A extends Shape, R extends Shape>(
  name: string,
  number: number,
  args: A,
  result: R,
): CallProcedure<StructOf<A>, StructOf<R>> {
  return { ...row(name, number, args, result), effect: true, stream: 'none' };
}

/**
 * A procedure that opens a stream; only a stream that is written to can change something.
 * `sparseFlag` is the bit of `flags` that asks for holes as holes, where there is one.
 */
export function opening<A extends Shape, R extends Shape, D extends StreamDirection>(
  name: string,
  number: number,
  stream: D,
  args: A,
  result: R,
  sparseFlag = 0,
): StreamProcedure<StructOf<A>, StructOf<R>, D> {
  const isSparse = ({ flags = 0 }: { readonly flags?: unknown }): boolean =>
    typeof flags === 'number' && (flags & sparseFlag) !== 0;
  return { ...row(name, number, args, result), effect: stream === 'write', stream, isSparse };
}

function row<A extends Shape, R extends Shape>(name: string, number: number, args: A, result: R) {
  return { name, program: Program.remote, number, args: struct(args), result: struct(result) };
}
