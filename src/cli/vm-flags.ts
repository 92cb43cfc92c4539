import { setAt } from '../api/changed-document.ts';
import { parseVmDocument } from '../api/vm-spec.ts';
import type { VmDocument } from '../api/vm-spec.ts';
import { berthError, isBerthError } from '../base/errors.ts';

/** The flags of `vm create` that describe a VM, as they were typed. */
export interface VmFlags {
  readonly cpus?: string;
  readonly memory?: string;
  readonly policy?: string;
  readonly threads?: string;
  readonly dedicatedVcpus?: string;
  readonly emulator?: string;
  readonly model?: string;
  readonly cpuset?: string;
  readonly pages?: string;
  readonly cells?: string;
  readonly nodeset?: string;
  readonly numaPolicy?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly disk?: readonly string[];
  readonly nic?: readonly string[];
  readonly label?: readonly string[];
  readonly host?: readonly string[];
}

/** The key of the document that each flag sets; errors name the flag instead. */
const KEYS: Readonly<Record<keyof VmFlags, string>> = {
  cpus: 'spec.cpu.count',
  policy: 'spec.cpu.policy',
  threads: 'spec.cpu.threads',
  dedicatedVcpus: 'spec.cpu.dedicatedVcpus',
  emulator: 'spec.cpu.emulator',
  model: 'spec.cpu.model',
  cpuset: 'spec.cpu.cpuset',
  memory: 'spec.memory.size',
  pages: 'spec.memory.pages',
  cells: 'spec.numa.cells',
  nodeset: 'spec.numa.nodeset',
  numaPolicy: 'spec.numa.policy',
  kernel: 'spec.boot.kernel',
  initrd: 'spec.boot.initrd',
  cmdline: 'spec.boot.cmdline',
  disk: 'spec.disks',
  nic: 'spec.nics',
  label: 'metadata.labels',
  host: 'spec.placement.hosts',
};

/** How a flag is written: `--numa-policy` for numaPolicy. */
export function flagName(flag: string): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The document that a command line describes; only what was typed is in it.
 * @throws BERTH_SPEC_INVALID naming the flag.
 */
export function documentOfFlags(name: string, flags: VmFlags): VmDocument {
  const document = documentOf(name, flags);
  try {
    parseVmDocument(document);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    throw berthError('BERTH_SPEC_INVALID', { ...error.data, where: flagOf(error.data.where) });
  }
  return document;
}

/**
 * A document with other values, as flags say; an empty one takes its key out.
 * @throws BERTH_SPEC_INVALID naming the flag.
 */
export function changedByFlags(document: VmDocument, flags: VmFlags): VmDocument {
  const changed = structuredClone(document);
  const wanted = documentOf(document.metadata.name, flags);
  for (const [flag, text] of Object.entries(flags)) {
    const path = KEYS[flag as keyof VmFlags].split('.');
    setAt(changed, path, text === '' ? null : valueAt(wanted, path));
  }
  try {
    parseVmDocument(changed);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    throw berthError('BERTH_SPEC_INVALID', { ...error.data, where: flagOf(error.data.where) });
  }
  return changed;
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key],
    document,
  );
}

function documentOf(name: string, flags: VmFlags): VmDocument {
  const cpu = given({
    count: count(flags.cpus, '--cpus'),
    policy: flags.policy,
    threads: flags.threads,
    dedicatedVcpus: flags.dedicatedVcpus,
    emulator: flags.emulator,
    model: flags.model,
    cpuset: flags.cpuset,
  });
  const numa = given({
    cells:
      flags.cells === 'auto' || flags.cells === 'none'
        ? flags.cells
        : count(flags.cells, '--cells'),
    policy: flags.numaPolicy,
    nodeset: flags.nodeset,
  });
  const { kernel, initrd, cmdline } = flags;
  const boot = given({ kernel, initrd, cmdline });
  const document = {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: given({ name, labels: flags.label && Object.fromEntries(flags.label.map(labelOf)) }),
    spec: given({
      cpu: filled(cpu),
      memory: given({ size: flags.memory, pages: flags.pages }),
      numa: filled(numa),
      boot: filled(boot),
      disks: flags.disk?.map((text) => fieldsOf(text, '--disk')),
      nics: flags.nic?.map(nicOf),
      placement: flags.host && { hosts: flags.host },
    }),
  };
  // Checked by the schema right after; until then its words are whatever was typed.
  return document as unknown as VmDocument;
}

function count(text: string | undefined, flag: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw invalid(flag, `"${text}" is not a whole number`, 'a number such as 4');
}

function labelOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw invalid('--label', `"${text}" has no value`, 'KEY=VALUE, such as app=web');
}

/** `user`, or fields such as `network=lan,model=e1000`. */
function nicOf(text: string): Record<string, string | boolean> {
  if (text === 'user') return { user: true };
  const { user, ...fields } = fieldsOf(text.replace(/^user,/, 'user=true,'), '--nic');
  return user === undefined ? fields : { ...fields, user: true };
}

function fieldsOf(text: string, flag: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    if (at <= 0) {
      throw invalid(flag, `"${part}" in "${text}" has no value`, 'KEY=VALUE pairs with commas');
    }
    const key = part.slice(0, at);
    if (Object.hasOwn(fields, key)) throw invalid(flag, `"${key}" is there twice`, 'it once');
    fields[key] = part.slice(at + 1);
  }
  return fields;
}

/** `spec.disks[1].size` is `--disk (the 2nd one), size`. */
function flagOf(where: string): string {
  const match = /^(.*?)(?:\[(\d+)\](?:\.(.*))?)?$/.exec(where);
  const [, key = '', index, field] = match ?? [];
  if (where === 'metadata.name') return 'NAME';
  const flag = Object.entries(KEYS).find(([, path]) => path === key || path === where)?.[0];
  if (flag === undefined) return where;
  const which = index === undefined ? '' : ` number ${Number(index) + 1}`;
  return `${flagName(flag)}${which}${field === undefined ? '' : `, ${field}`}`;
}

function invalid(where: string, problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where, problem, expected });
}

/** Without the keys that were not given. */
function given<T extends object>(values: T): Partial<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // Leaving out undefined keys is what Partial says.
  return Object.fromEntries(entries) as Partial<T>;
}

/** A section of which something was given, else nothing. */
function filled<T extends object>(section: T): T | undefined {
  return Object.keys(section).length === 0 ? undefined : section;
}
