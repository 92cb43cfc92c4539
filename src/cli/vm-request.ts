import { berthError } from '../base/errors.ts';
import type { VmDocument } from '../api/vm-spec.ts';
import type { Session } from './session.ts';
import type { VmFlags } from './vm-flags.ts';

/**
 * The documents that `vm create` asks for: those of a file, or one made of a name and flags.
 * @throws BERTH_USAGE when both or neither describe the VM.
 */
export async function documentsToCreate(
  session: Session,
  asked: {
    readonly name: string | undefined;
    readonly file: string | undefined;
    readonly flags: VmFlags & { readonly json?: true };
  },
): Promise<readonly VmDocument[]> {
  const { json: _, ...flags } = asked.flags;
  if (asked.file === undefined) return [await documentOfName(asked.name, flags)];
  const [flag] = Object.keys(flags);
  if (flag !== undefined) {
    const { flagName } = await import('./vm-flags.ts');
    throw usage(`-f and ${flagName(flag)} contradict each other: the file describes the VM`);
  }
  const { readSpecs } = await import('./spec-source.ts');
  const documents = (await readSpecs(asked.file, session)).map((entry) => entry.document);
  const [only] = documents;
  if (asked.name === undefined) return documents;
  if (only === undefined || documents.length > 1) {
    throw usage(`the file has ${documents.length} VMs, so the name ${asked.name} fits none`);
  }
  return [{ ...only, metadata: { ...only.metadata, name: asked.name } }];
}

async function documentOfName(name: string | undefined, flags: VmFlags): Promise<VmDocument> {
  if (name === undefined) throw usage('neither a spec file (-f) nor a name is given');
  if (flags.memory === undefined) throw usage('--memory is missing');
  const { documentOfFlags } = await import('./vm-flags.ts');
  return documentOfFlags(name, flags);
}

function usage(problem: string): Error {
  return berthError('BERTH_USAGE', { problem, usage: 'see: berth vm create --help' });
}
