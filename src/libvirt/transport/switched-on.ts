import type { LibvirtUri } from '../uri.ts';

/** True for a parameter that is given and not 0, which is how libvirt reads such ones. */
export function isSwitchedOn({ transportParameters }: LibvirtUri, name: string): boolean {
  const value = transportParameters.get(name);
  return value !== undefined && value !== '0';
}
