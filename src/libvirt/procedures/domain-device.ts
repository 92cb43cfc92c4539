/** Plugging devices in and out. Which can be plugged while a domain runs, the driver decides: code 84 where not. */
import { flags, string } from '../xdr/codec.ts';
import { command } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * Plugs in the device that the XML describes: the element as it stands below `<devices>`. A running
 * domain tells it by DomainEvent.deviceAdded. Flags: DomainDeviceFlag.
 *
 * @since 0.7.7
 */
export const domainAttachDeviceFlags = command(
  'domainAttachDeviceFlags',
  160,
  { dom: domain, xml: string, flags },
  {},
);

/**
 * Takes out the device that the XML finds, by its target or address. Out of a running domain the
 * reply may come before the guest has let go: DomainEvent.deviceRemoved or deviceRemovalFailed tell
 * the end. Flags: DomainDeviceFlag. Code 99 says that there is no such device.
 *
 * @since 0.7.7
 */
export const domainDetachDeviceFlags = command(
  'domainDetachDeviceFlags',
  161,
  { dom: domain, xml: string, flags },
  {},
);

/**
 * Takes a device out, found by its alias; see `domainDetachDeviceFlags`. The reply comes without
 * waiting for the guest. Flags: DomainDeviceFlag, but for `force`.
 *
 * @since 4.4.0
 */
export const domainDetachDeviceAlias = command(
  'domainDetachDeviceAlias',
  392,
  { dom: domain, alias: string, flags },
  {},
);

/**
 * Changes a device in place: the medium of a drive, the link state or network of a NIC, passwords of
 * graphics and the like; the XML is the whole element as it shall be. What cannot change while the
 * domain runs is refused by code 84 or 55. Flags: DomainDeviceFlag; `force` opens a locked tray.
 *
 * @since 0.8.0
 */
export const domainUpdateDeviceFlags = command(
  'domainUpdateDeviceFlags',
  174,
  { dom: domain, xml: string, flags },
  {},
);
