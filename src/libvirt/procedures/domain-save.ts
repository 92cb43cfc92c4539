/**
 * Memory of domains in files: saved to be restored, kept by libvirt over a stop, or dumped for a
 * debugger. Paths are those of the host. While memory is written, `domainGetJobStats` of another
 * connection tells how far it is, and `domainAbortJob` stops it.
 */
import { bool, flags, optional, string, u32 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const SAVE_PARAMS_MAX = 64;

/**
 * Writes a running domain's memory to the file `to` and stops it; a transient domain is gone then.
 * The reply comes when the file is complete. With `dxml` it will be restored as that XML says,
 * which may change what the host does (where disks lie) but nothing that the guest sees.
 * Flags: DomainSaveFlag. Code 55 while it does not run, 78 when the job was aborted.
 *
 * @since 0.9.4
 */
export const domainSaveFlags = command(
  'domainSaveFlags',
  232,
  { dom: domain, to: string, dxml: optional(string), flags },
  {},
);

/**
 * Runs the domain of a saved file on from where it was; the file stays. With `dxml` it runs as that
 * XML says, within what `domainSaveFlags` allows. Flags: DomainSaveFlag. The reply names no domain:
 * the file's XML does (`domainSaveImageGetXmlDesc`). Code 55 when the domain runs already.
 *
 * @since 0.9.4
 */
export const domainRestoreFlags = command(
  'domainRestoreFlags',
  233,
  { from: string, dxml: optional(string), flags },
  {},
);

/**
 * Does what `domainSaveFlags` does, with what it needs as parameters (DomainSaveParam). Without a
 * file it is a managed save. Flags: DomainSaveFlag.
 *
 * @since 8.4.0
 */
export const domainSaveParams = command(
  'domainSaveParams',
  440,
  { dom: domain, params: typedParams(SAVE_PARAMS_MAX), flags },
  {},
);

/**
 * Does what `domainRestoreFlags` does, with what it needs as parameters (DomainSaveParam), of which
 * the file must be there. Flags: DomainSaveFlag.
 *
 * @since 8.4.0
 */
export const domainRestoreParams = command(
  'domainRestoreParams',
  441,
  { params: typedParams(SAVE_PARAMS_MAX), flags },
  {},
);

/**
 * The XML of the domain in a saved file. Flags: DomainSaveImageXmlFlag.
 *
 * @since 0.9.4
 */
export const domainSaveImageGetXmlDesc = query(
  'domainSaveImageGetXmlDesc',
  235,
  { file: string, flags },
  { xml: string },
);

/**
 * Changes the XML in a saved file, within what `domainSaveFlags` allows, and whether it will be
 * restored running or paused. Flags: DomainSaveFlag, of which `running` and `paused` count.
 *
 * @since 0.9.4
 */
export const domainSaveImageDefineXml = command(
  'domainSaveImageDefineXml',
  236,
  { file: string, dxml: string, flags },
  {},
);

/**
 * Writes the domain's memory to a file of libvirt's own and stops it; its next start runs on from
 * there. Transient domains cannot (code 55). Flags: DomainSaveFlag.
 *
 * @since 0.8.0
 */
export const domainManagedSave = command('domainManagedSave', 182, { dom: domain, flags }, {});

/**
 * Whether the domain's next start runs on from a managed save. No flags are known.
 *
 * @since 0.8.0
 */
export const domainHasManagedSaveImage = query(
  'domainHasManagedSaveImage',
  183,
  { dom: domain, flags },
  { result: bool },
);

/**
 * Throws a managed save away; the next start boots. Without one nothing happens. No flags are known.
 *
 * @since 0.8.0
 */
export const domainManagedSaveRemove = command(
  'domainManagedSaveRemove',
  184,
  { dom: domain, flags },
  {},
);

/**
 * The XML in a managed save; code 55 where there is none. Flags: DomainSaveImageXmlFlag.
 *
 * @since 3.7.0
 */
export const domainManagedSaveGetXmlDesc = query(
  'domainManagedSaveGetXmlDesc',
  388,
  { dom: domain, flags },
  { xml: string },
);

/**
 * Changes the XML in a managed save, as `domainSaveImageDefineXml` does in a file. Flags:
 * DomainSaveFlag, of which `running` and `paused` count.
 *
 * @since 3.7.0
 */
export const domainManagedSaveDefineXml = command(
  'domainManagedSaveDefineXml',
  389,
  { dom: domain, dxml: optional(string), flags },
  {},
);

/**
 * Dumps a running domain's memory to the file `to`, in a DomainCoreDumpFormat. Flags:
 * DomainCoreDumpFlag; formats other than `raw` need `memoryOnly` among them (code 84), and QEMU must
 * know them.
 *
 * @since 1.2.3
 */
export const domainCoreDumpWithFormat = command(
  'domainCoreDumpWithFormat',
  334,
  { dom: domain, to: string, dumpformat: u32, flags },
  {},
);
