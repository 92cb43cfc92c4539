/** What a person would do at the machine: keys, its NMI button, putting it to sleep and waking it. */
import { flags, i64, list, u32, u64 } from '../xdr/codec.ts';
import { command } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/** Keys that can be pressed at once. */
export const SEND_KEYS_MAX = 16;

/**
 * Presses keys together for `holdtime` ms and lets them go. The codes are those of the KeycodeSet
 * `codeset`. No flags are known.
 *
 * @since 0.9.3
 */
export const domainSendKey = command(
  'domainSendKey',
  226,
  { dom: domain, codeset: u32, holdtime: u32, keycodes: list(u32, SEND_KEYS_MAX), flags },
  {},
);

/**
 * Sends the guest an interrupt that it cannot mask: many systems answer with a crash dump. No flags
 * are known.
 *
 * @since 0.9.2
 */
export const domainInjectNmi = command('domainInjectNmi', 210, { dom: domain, flags }, {});

/**
 * Signals a process of the guest (a DomainProcessSignal; a negative number means a process group). Of
 * containers only: QEMU answers with code 3. No flags are known.
 *
 * @since 1.0.1
 */
export const domainSendProcessSignal = command(
  'domainSendProcessSignal',
  295,
  { dom: domain, pidValue: i64, signum: u32, flags },
  {},
);

/**
 * Puts the guest to sleep, by its agent (`target`: NodeSuspendTarget); QEMU wants a `duration` of 0
 * seconds, which is until it is woken. Told by DomainEvent.pmsuspend or pmsuspendDisk. No flags are
 * known.
 *
 * @since 0.9.10
 */
export const domainPmSuspendForDuration = command(
  'domainPmSuspendForDuration',
  261,
  { dom: domain, target: u32, duration: u64, flags },
  {},
);

/**
 * Wakes a guest that sleeps in memory. Told by DomainEvent.pmwakeup. No flags are known.
 *
 * @since 0.9.11
 */
export const domainPmWakeup = command('domainPmWakeup', 267, { dom: domain, flags }, {});
