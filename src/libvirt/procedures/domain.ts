/** Domains: finding, defining, starting, stopping, describing. */
import { always, bool, flags, i32, list, optional, string, u32 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain, OBJECTS_MAX } from './objects.ts';

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

/** Removes the definition. Flags: DomainUndefineFlag; a running domain becomes transient. */
export const domainUndefineFlags = command('domainUndefineFlags', 231, { dom: domain, flags }, {});

/** Ends the domain at once, as pulling the plug does. Flags: DomainDestroyFlag. */
export const domainDestroyFlags = command('domainDestroyFlags', 234, { dom: domain, flags }, {});

/** Resets the machine without asking the guest. */
export const domainReset = command('domainReset', 245, { dom: domain, flags }, {});

/** Asks the guest to shut down. Flags: DomainShutdownFlag. The reply says that it was asked. */
export const domainShutdownFlags = command('domainShutdownFlags', 258, { dom: domain, flags }, {});

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
