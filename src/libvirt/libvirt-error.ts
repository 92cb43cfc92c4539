import { optional, i32, string, struct, type Of } from './xdr/codec.ts';
import { ErrorCode, ErrorDomain } from './error-code.ts';
import { domain, network } from './procedures/objects.ts';
import { XdrReader } from './xdr/xdr-reader.ts';

/** The error struct as it travels. The two objects are never filled by today's daemons. */
export const wireError = struct({
  code: i32,
  domain: i32,
  message: optional(string),
  level: i32,
  dom: optional(domain),
  str1: optional(string),
  str2: optional(string),
  str3: optional(string),
  int1: i32,
  int2: i32,
  net: optional(network),
});

/**
 * An error that libvirt itself answered with. Decide by `code` (`ErrorCode`), never by the
 * message: that one is for people and may come in the daemon's language.
 */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  /** What went wrong (virErrorNumber). */
  readonly code: number;
  /** The part of libvirt that says so (virErrorDomain). */
  readonly domain: number;
  /** 1 for a warning, 2 for an error. */
  readonly level: number;
  /** The call that was refused, or whose stream failed. */
  readonly procedure: string;
  readonly str1: string | undefined;
  readonly str2: string | undefined;
  readonly str3: string | undefined;
  readonly int1: number;
  readonly int2: number;

  constructor(error: Of<typeof wireError>, procedure: string) {
    super(error.message ?? `error ${error.code} without a message`);
    this.code = error.code;
    this.domain = error.domain;
    this.level = error.level;
    this.procedure = procedure;
    this.str1 = error.str1;
    this.str2 = error.str2;
    this.str3 = error.str3;
    this.int1 = error.int1;
    this.int2 = error.int2;
  }
}

/** The error a reply or a stream carries, whole. */
export function decodeError(payload: Buffer, procedure: string): LibvirtError {
  const reader = new XdrReader(payload, `the error of ${procedure}`);
  const error = wireError.read(reader);
  reader.end();
  return new LibvirtError(error, procedure);
}

/** Narrows to an error of libvirt, and to one code of it when given. */
export function isLibvirtError(error: unknown, code?: number): error is LibvirtError {
  return error instanceof LibvirtError && (code === undefined || error.code === code);
}

/**
 * True when the daemon is too old to know the procedure. The text has to be looked at: the daemon
 * gives undecodable arguments and unknown programs the same numbers (libvirt 9.0, virnetserverprogram.c).
 */
export function isUnknownProcedure(error: unknown): boolean {
  return (
    isLibvirtError(error, ErrorCode.rpc) &&
    error.domain === ErrorDomain.rpc &&
    error.message.startsWith('unknown procedure')
  );
}
