import type { Connection } from '../connection.ts';
import type { CallProcedure } from './procedure.ts';
import type { Wait } from './wait.ts';

/** What a call is told and answers when parameters have to be counted. */
interface Counted {
  readonly nparams: number;
}

/**
 * Makes a call whose parameters have to be counted first, as libvirt's own client does: once with
 * room for none, which gives the number, and once with that room. The deadline holds for each of
 * the two.
 */
export async function callCounted<A extends Counted, R extends Counted>(
  connection: Pick<Connection, 'call'>,
  procedure: CallProcedure<A, R>,
  args: NoInfer<Omit<A, 'nparams'>>,
  wait: Wait,
): Promise<R> {
  // Adding back the one field that was taken away makes it whole; the compiler cannot know.
  const withRoom = (nparams: number) => ({ ...args, nparams }) as unknown as A;
  const { nparams } = await connection.call(procedure, withRoom(0), wait);
  return connection.call(procedure, withRoom(nparams), wait);
}
