/** Domains: finding, defining, starting, stopping, describing. */
import { always, bool, flags, i32, list, optional, string, u32, u64 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain, OBJECTS_MAX } from './objects.ts';

const MESSAGES_MAX = 2048;

/** All domains that the flags choose (DomainListFlag); those that run have an id. */
export const connectListAllDomains = query(
  'connectListAllDomains',
  273,
  { needResults: always(1), flags },
  { domains: list(domain, OBJECTS_MAX), ret: u32 },
);

/** Starts a transient domain from XML. Flags: DomainCreateFlag. */
export const domainCreateXml = command(
  'domainCreateXml',
  10,
  { xmlDesc: string, flags },
  { dom: domain },
);

/** The domain as XML. Flags: DomainXmlFlag. */
export const domainGetXmlDesc = query(
  'domainGetXmlDesc',
  14,
  { dom: domain, flags },
  { xml: string },
);

/** Whether the domain starts with the host. */
export const domainGetAutostart = query(
  'domainGetAutostart',
  15,
  { dom: domain },
  { autostart: bool },
);

/** State, memory in KiB (most, now), vCPUs, and CPU time in ns. */
export const domainGetInfo = query(
  'domainGetInfo',
  16,
  { dom: domain },
  { state: u32, maxMem: u64, memory: u64, nrVirtCpu: u32, cpuTime: u64 },
);

export const domainLookupById = query('domainLookupById', 22, { id: i32 }, { dom: domain });

export const domainLookupByName = query(
  'domainLookupByName',
  23,
  { name: string },
  { dom: domain },
);

export const domainLookupByUuid = query('domainLookupByUuid', 24, { uuid }, { dom: domain });

/** Asks the guest to reboot. Flags: DomainRebootFlag. The reply says that it was asked. */
export const domainReboot = command('domainReboot', 27, { dom: domain, flags }, {});

/** Lets a suspended domain run on. */
export const domainResume = command('domainResume', 28, { dom: domain }, {});

export const domainSetAutostart = command(
  'domainSetAutostart',
  29,
  { dom: domain, autostart: bool },
  {},
);

/** Stops the vCPUs; memory stays. */
export const domainSuspend = command('domainSuspend', 34, { dom: domain }, {});

export const domainIsActive = query('domainIsActive', 150, { dom: domain }, { active: bool });

export const domainIsPersistent = query(
  'domainIsPersistent',
  151,
  { dom: domain },
  { persistent: bool },
);

/** True when the running domain differs from its definition. */
export const domainIsUpdated = query('domainIsUpdated', 202, { dom: domain }, { updated: bool });

/** Plugs a device in. Flags: DomainDeviceFlag. */
export const domainAttachDeviceFlags = command(
  'domainAttachDeviceFlags',
  160,
  { dom: domain, xml: string, flags },
  {},
);

/** Takes a device out, found by its XML. The reply may come before the guest has let go: see DomainEvent.deviceRemoved. */
export const domainDetachDeviceFlags = command(
  'domainDetachDeviceFlags',
  161,
  { dom: domain, xml: string, flags },
  {},
);

/** Changes a device in place. Flags: DomainDeviceFlag. */
export const domainUpdateDeviceFlags = command(
  'domainUpdateDeviceFlags',
  174,
  { dom: domain, xml: string, flags },
  {},
);

/** Saves the domain's memory under libvirt's care and stops it; the next start restores it. */
export const domainManagedSave = command('domainManagedSave', 182, { dom: domain, flags }, {});

export const domainHasManagedSaveImage = query(
  'domainHasManagedSaveImage',
  183,
  { dom: domain, flags },
  { result: bool },
);

export const domainManagedSaveRemove = command(
  'domainManagedSaveRemove',
  184,
  { dom: domain, flags },
  {},
);

/** Starts a defined domain. Flags: DomainCreateFlag. The result carries its new id. */
export const domainCreateWithFlags = command(
  'domainCreateWithFlags',
  196,
  { dom: domain, flags },
  { dom: domain },
);

/** `state` is a DomainState; what `reason` means depends on it (DomainRunningReason and its like). */
export const domainGetState = query(
  'domainGetState',
  212,
  { dom: domain, flags },
  { state: i32, reason: i32 },
);

/** Removes the definition. Flags: DomainUndefineFlag; a running domain becomes transient. */
export const domainUndefineFlags = command('domainUndefineFlags', 231, { dom: domain, flags }, {});

/** Ends the domain at once, as pulling the plug does. Flags: DomainDestroyFlag. */
export const domainDestroyFlags = command('domainDestroyFlags', 234, { dom: domain, flags }, {});

/** Resets the machine without asking the guest. */
export const domainReset = command('domainReset', 245, { dom: domain, flags }, {});

/** Asks the guest to shut down. Flags: DomainShutdownFlag. The reply says that it was asked. */
export const domainShutdownFlags = command('domainShutdownFlags', 258, { dom: domain, flags }, {});

/**
 * Sets title, description or an element of one namespace (`type`: DomainMetadataType); without
 * `metadata` it is removed. Flags: DomainAffect.
 */
export const domainSetMetadata = command(
  'domainSetMetadata',
  264,
  {
    dom: domain,
    type: i32,
    metadata: optional(string),
    key: optional(string),
    uri: optional(string),
    flags,
  },
  {},
);

/** Reads what `domainSetMetadata` set; error 80 where there is none. */
export const domainGetMetadata = query(
  'domainGetMetadata',
  265,
  { dom: domain, type: i32, uri: optional(string), flags },
  { metadata: string },
);

/** Defines a domain, or changes the definition of the one with that name and UUID. Flags: DomainDefineFlag. */
export const domainDefineXmlFlags = command(
  'domainDefineXmlFlags',
  350,
  { xml: string, flags },
  { dom: domain },
);

/** Renames a domain that does not run. */
export const domainRename = command(
  'domainRename',
  358,
  { dom: domain, newName: optional(string), flags },
  { retcode: i32 },
);

/** Takes a device out, found by its alias. Libvirt 4.4. */
export const domainDetachDeviceAlias = command(
  'domainDetachDeviceAlias',
  392,
  { dom: domain, alias: string, flags },
  {},
);

/** Warnings about the domain: deprecated or tainted parts. Libvirt 7.1. */
export const domainGetMessages = query(
  'domainGetMessages',
  426,
  { dom: domain, flags },
  { msgs: list(string, MESSAGES_MAX) },
);
