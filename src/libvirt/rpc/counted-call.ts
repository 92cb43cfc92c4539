import type { Connection } from '../connection.ts';
import type { CallProcedure } from './procedure.ts';
import type { Wait } from './wait.ts';

/** Calls that want to be told how many parameters there is room for. */
type CountedProcedure<A, R> = CallProcedure<A & { readonly nparams: number }, R>;

/**
 * Makes a call whose parameters have to be counted first, as libvirt's own client does: once with
 * room for none, which gives the number, and once with that room. The deadline holds for each of
 * the two.
 */
export async function callCounted<A, R extends { readonly nparams: number }>(
  connection: Pick<Connection, 'call'>,
  procedure: CountedProcedure<A, R>,
  args: NoInfer<A>,
  wait: Wait,
): Promise<R> {
  const { nparams } = await connection.call(procedure, { ...args, nparams: 0 }, wait);
  return connection.call(procedure, { ...args, nparams }, wait);
}
