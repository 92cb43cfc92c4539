/**
 * The screens of domains; a picture of one is `domainScreenshot`. `domain_open_graphics` and
 * `domain_open_graphics_fd` are missing: they pass a file descriptor with the message, which Node
 * cannot do. Connect to the address or socket that the domain's XML names instead, on another host
 * through its SSH. Equally missing are `domain_create_with_files`, `domain_create_xml_with_files`,
 * `domain_fd_associate` and QEMU's `domain_monitor_command_with_files`.
 */
import { flags, u32 } from '../xdr/codec.ts';
import { command } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * Has a running domain read the TLS certificates of its graphics anew (`type`: DomainGraphicsReloadType).
 * No flags are known.
 *
 * @since 10.2.0
 */
export const domainGraphicsReload = command(
  'domainGraphicsReload',
  448,
  { dom: domain, type: u32, flags },
  {},
);
