/** Domain calls that open a stream. */
import { flags, optional, string, u32 } from '../xdr/codec.ts';
import { opening } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * A serial, parallel or paravirtual console, the first one unless its alias is given. Only one
 * client can have it: code 9 says that it is taken, DomainConsoleFlag.force takes it over.
 */
export const domainOpenConsole = opening(
  'domainOpenConsole',
  201,
  'both',
  { dom: domain, devName: optional(string), flags },
  {},
);

/** A picture of a screen; `mime` tells its format, mostly image/png or image/x-portable-pixmap. */
export const domainScreenshot = opening(
  'domainScreenshot',
  211,
  'read',
  { dom: domain, screen: u32, flags },
  { mime: optional(string) },
);

/** A virtio channel, by its name (`org.qemu.guest_agent.0`) or the first one. */
export const domainOpenChannel = opening(
  'domainOpenChannel',
  296,
  'both',
  { dom: domain, name: optional(string), flags },
  {},
);
