/**
 * QEMU's own monitor and agent behind libvirt's back, of another program on the same connection. Changes
 * made here are unknown to libvirt and taint the domain; read, and use the calls of libvirt to change.
 * Attaching libvirt to a QEMU it did not start has gone (libvirt 5.5), so that call is missing.
 */
import { flags, i32, optional, string } from '../xdr/codec.ts';
import { Program } from '../rpc/frame.ts';
import { command } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/**
 * Gives a command to the monitor and returns what it says: JSON text both ways, or with `hmp` text as
 * people type it. A command that QEMU refuses is answered with its JSON error all the same. Flags:
 * QemuMonitorCommandFlag.
 *
 * @since 0.8.3
 */
export const domainMonitorCommand = {
  ...command('domainMonitorCommand', 1, { dom: domain, cmd: string, flags }, { result: string }),
  program: Program.qemu,
};

/**
 * Gives a command to the guest agent, JSON text both ways; waits `timeout` seconds for the answer, or
 * as a DomainAgentTimeout says. The agent's refusal is code 113. No flags are known.
 *
 * @since 0.10.0
 */
export const domainAgentCommand = {
  ...command(
    'domainAgentCommand',
    3,
    { dom: domain, cmd: string, timeout: i32, flags },
    { result: optional(string) },
  ),
  program: Program.qemu,
};
