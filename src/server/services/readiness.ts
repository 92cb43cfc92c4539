import type { ReadyView } from '../../api/resources.ts';
import type { ServiceContext } from './context.ts';

/**
 * Whether the server can serve: its store answers, and each host has been tried once. One that does
 * not answer is a fault of the host, not of the server.
 */
export async function readinessOf({
  fleet,
  store,
}: Pick<ServiceContext, 'fleet' | 'store'>): Promise<ReadyView> {
  // Whatever it fails with: a store that cannot be asked is not there.
  const isAnswering = await store.hosts.list().then(
    () => true,
    () => false,
  );
  const { mirrors } = fleet;
  const connected = mirrors.filter(({ unreachable }) => unreachable === undefined).length;
  const unreachable = mirrors.filter(({ failure }) => failure !== undefined).length;
  const untried = mirrors.length - connected - unreachable;
  return {
    ready: isAnswering && untried === 0,
    store: isAnswering ? 'ok' : 'unreachable',
    hosts: { connected, unreachable, untried },
  };
}
