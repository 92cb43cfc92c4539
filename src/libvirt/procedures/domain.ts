/**
 * The life of domains: finding, defining, starting, stopping and deleting them.
 *
 * Left out here and everywhere: calls that hand over file descriptors (`domain_create_with_files`,
 * `domain_open_graphics`), which no socket of Node can carry, and those that a later form with flags
 * has replaced (`domain_create`, `domain_destroy`, `domain_save` ...).
 */
import { always, bool, flags, i32, list, optional, string, u32 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain, OBJECTS_MAX } from './objects.ts';

/**
 * All domains that the flags choose (DomainListFlag); those that run have an id.
 *
 * @since 0.9.13
 */
export const connectListAllDomains = query(
  'connectListAllDomains',
  273,
  { needResults: always(1), flags },
  { domains: list(domain, OBJECTS_MAX), ret: u32 },
);

/**
 * The domain that runs under this id, which it keeps until it stops; code 42 where there is none.
 *
 * @since 0.0.3
 */
export const domainLookupById = query('domainLookupById', 22, { id: i32 }, { dom: domain });

/**
 * The domain of that name, running or not; code 42 where there is none.
 *
 * @since 0.0.3
 */
export const domainLookupByName = query(
  'domainLookupByName',
  23,
  { name: string },
  { dom: domain },
);

/**
 * The domain of that UUID, running or not; code 42 where there is none.
 *
 * @since 0.0.5
 */
export const domainLookupByUuid = query('domainLookupByUuid', 24, { uuid }, { dom: domain });

/**
 * The domain as XML: as it runs, or as it is defined where it does not run. Flags: DomainXmlFlag.
 *
 * @since 0.0.3
 */
export const domainGetXmlDesc = query(
  'domainGetXmlDesc',
  14,
  { dom: domain, flags },
  { xml: string },
);

/**
 * Defines a domain, or changes the definition of the one with that name and UUID; if it runs, from
 * its next start on. Flags: DomainDefineFlag. Code 27 or 35 for XML that cannot be read, 67 for
 * what this host cannot do, 9 where the name belongs to another UUID or the other way round.
 *
 * @since 1.2.12
 */
export const domainDefineXmlFlags = command(
  'domainDefineXmlFlags',
  350,
  { xml: string, flags },
  { dom: domain },
);

/**
 * Removes the definition; a running domain becomes transient. Flags: DomainUndefineFlag. Code 55
 * where a managed save, snapshots, checkpoints or firmware variables would be left behind and no
 * flag says what becomes of them.
 *
 * @since 0.9.4
 */
export const domainUndefineFlags = command('domainUndefineFlags', 231, { dom: domain, flags }, {});

/**
 * Starts a transient domain from XML: it is gone once it stops. Flags: DomainCreateFlag. Code 55
 * where one of that UUID runs.
 *
 * @since 0.5.0
 */
export const domainCreateXml = command(
  'domainCreateXml',
  10,
  { xmlDesc: string, flags },
  { dom: domain },
);

/**
 * Starts a defined domain, from its managed save where there is one. Flags: DomainCreateFlag. The
 * result carries its new id. Code 55 when it runs already.
 *
 * @since 0.8.2
 */
export const domainCreateWithFlags = command(
  'domainCreateWithFlags',
  196,
  { dom: domain, flags },
  { dom: domain },
);

/**
 * Stops the vCPUs; memory and devices stay as they are. Code 55 while it does not run.
 *
 * @since 0.0.3
 */
export const domainSuspend = command('domainSuspend', 34, { dom: domain }, {});

/**
 * Lets a suspended domain run on. Code 55 while it does not run.
 *
 * @since 0.0.3
 */
export const domainResume = command('domainResume', 28, { dom: domain }, {});

/**
 * Asks the guest to reboot. Flags: DomainRebootFlag. The reply says that it was asked; with the
 * guest agent, that the guest took it.
 *
 * @since 0.1.0
 */
export const domainReboot = command('domainReboot', 27, { dom: domain, flags }, {});

/**
 * Resets the machine without asking the guest, as the button does; unwritten data are lost. No
 * flags are known.
 *
 * @since 0.9.7
 */
export const domainReset = command('domainReset', 245, { dom: domain, flags }, {});

/**
 * Asks the guest to shut down. Flags: DomainShutdownFlag. The reply says that it was asked, the
 * event DomainEvent.lifecycle that it went.
 *
 * @since 0.9.10
 */
export const domainShutdownFlags = command('domainShutdownFlags', 258, { dom: domain, flags }, {});

/**
 * Ends the domain at once, as pulling the plug does. Flags: DomainDestroyFlag. Code 55 while it
 * does not run.
 *
 * @since 0.9.4
 */
export const domainDestroyFlags = command('domainDestroyFlags', 234, { dom: domain, flags }, {});

/**
 * Renames a domain that is off (code 55 while it runs); files named after it keep their names.
 * No flags are known, and `retcode` is always 0.
 *
 * @since 1.2.19
 */
export const domainRename = command(
  'domainRename',
  358,
  { dom: domain, newName: optional(string), flags },
  { retcode: i32 },
);

/**
 * Whether the domain starts with the host.
 *
 * @since 0.2.1
 */
export const domainGetAutostart = query(
  'domainGetAutostart',
  15,
  { dom: domain },
  { autostart: bool },
);

/**
 * Sets whether the domain starts with the host. Code 55 for a transient one.
 *
 * @since 0.2.1
 */
export const domainSetAutostart = command(
  'domainSetAutostart',
  29,
  { dom: domain, autostart: bool },
  {},
);

/**
 * Whether the domain runs, be it paused.
 *
 * @since 0.7.3
 */
export const domainIsActive = query('domainIsActive', 150, { dom: domain }, { active: bool });

/**
 * Whether the domain has a definition, with which it outlives its stop.
 *
 * @since 0.7.3
 */
export const domainIsPersistent = query(
  'domainIsPersistent',
  151,
  { dom: domain },
  { persistent: bool },
);

/**
 * Meant to say whether the domain was changed since it was made; no driver keeps count (libvirt
 * 9.0), so that it is false. DomainEvent.lifecycle with `defined` tells of changes.
 *
 * @since 0.8.6
 */
export const domainIsUpdated = query('domainIsUpdated', 202, { dom: domain }, { updated: bool });

/**
 * Sets what libvirt does when the guest powers off, reboots or crashes: `type` is a DomainLifecycle,
 * `action` a DomainLifecycleAction. Flags: DomainAffect. Code 67 for an action that QEMU's driver
 * lacks (it knows `preserve` for crashes only), 84 where the running QEMU cannot change any more.
 *
 * @since 3.9.0
 */
export const domainSetLifecycleAction = command(
  'domainSetLifecycleAction',
  390,
  { dom: domain, type: u32, action: u32, flags },
  {},
);
