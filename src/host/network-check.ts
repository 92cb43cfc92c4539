import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../base/errors.ts';
import { connectListAllNetworks, NetworkListFlag } from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { VmSpec } from '../model/vm-spec.ts';
import type { HostLink } from './host-link.ts';

/**
 * Refuses what starting the domain would trip over: a libvirt network that is not there or not
 * active, and a bridge that this machine does not have. A bridge of a host whose files are not to be read is unknown.
 * @throws BERTH_NOT_FOUND, BERTH_CONFLICT
 */
export async function checkNetworks(link: HostLink, spec: VmSpec, wait: Wait): Promise<void> {
  const named = (kind: 'network' | 'bridge'): readonly string[] =>
    spec.nics.flatMap((nic) => (nic.kind === kind && nic.source !== undefined ? [nic.source] : []));
  if (named('network').length > 0) await checkLibvirtNetworks(link, named('network'), wait);
  for (const bridge of named('bridge')) await checkBridge(link, bridge);
}

async function checkLibvirtNetworks(
  link: HostLink,
  wanted: readonly string[],
  wait: Wait,
): Promise<void> {
  const all = await link.call(connectListAllNetworks, { flags: 0 }, wait);
  const active = await link.call(connectListAllNetworks, { flags: NetworkListFlag.active }, wait);
  const known = all.nets.map((net) => net.name);
  for (const name of wanted) {
    if (!known.includes(name)) {
      const kind = `libvirt network on host ${link.name}`;
      throw berthError('BERTH_NOT_FOUND', { kind, name, known });
    }
    if (!active.nets.some((net) => net.name === name)) {
      throw berthError('BERTH_CONFLICT', {
        what: `use the libvirt network "${name}" on host ${link.name}`,
        why: 'it is not active',
        remedy: `start it with: virsh -c '${link.uri}' net-start ${name}`,
      });
    }
  }
}

async function checkBridge(link: HostLink, name: string): Promise<void> {
  if (link.files === undefined) return;
  const found = await access(join(link.files.root, 'sys', 'class', 'net', name)).then(
    () => true,
    () => false,
  );
  if (found) return;
  throw berthError('BERTH_NOT_FOUND', { kind: `bridge on host ${link.name}`, name, known: [] });
}
