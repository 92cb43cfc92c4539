/** Domain calls that open a stream. */
import { flags, optional, string, u32 } from '../xdr/codec.ts';
import { opening } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * A serial, parallel or paravirtual console, the first one unless its alias is given. Only one
 * client can have it: code 9 says that it is taken. Flags: DomainConsoleFlag; `force` takes it over.
 *
 * @since 0.8.6
 */
export const domainOpenConsole = opening(
  'domainOpenConsole',
  201,
  'both',
  { dom: domain, devName: optional(string), flags },
  {},
);

/**
 * A picture of a screen, counted from 0; `mime` tells its format, mostly image/png or
 * image/x-portable-pixmap. No flags are known.
 *
 * @since 0.9.2
 */
export const domainScreenshot = opening(
  'domainScreenshot',
  211,
  'read',
  { dom: domain, screen: u32, flags },
  { mime: optional(string) },
);

/**
 * A virtio channel, by its name or the first one that libvirt keeps not for itself, as it does the
 * agent's. Only one client can have it, as with a console. Flags: DomainChannelFlag.
 *
 * @since 1.0.2
 */
export const domainOpenChannel = opening(
  'domainOpenChannel',
  296,
  'both',
  { dom: domain, name: optional(string), flags },
  {},
);
