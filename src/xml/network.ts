import type { XmlElement } from './element.ts';
import { frozen, refuseValue, textOf } from './value.ts';

/** What Berth reads of a `<network>`. */
export interface NetworkXml {
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  /** nat, route, open, bridge, hostdev ...; undefined for an isolated network. */
  readonly forwardMode: string | undefined;
  readonly bridge: string | undefined;
}

/**
 * Reads a network. `<forward/>` without a mode means nat, as in libvirt.
 * @throws BERTH_SPEC_INVALID with line and column for another root.
 */
export function readNetwork(root: XmlElement): NetworkXml {
  if (root.name !== 'network') refuseValue(root, `the root is <${root.name}>`, 'a <network>');
  const forward = root.child('forward');
  return frozen({
    name: textOf(root.child('name')),
    uuid: textOf(root.child('uuid')),
    forwardMode: forward === undefined ? undefined : (forward.attribute('mode') ?? 'nat'),
    bridge: root.child('bridge')?.attribute('name'),
  });
}
