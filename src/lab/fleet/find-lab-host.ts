import { berthError } from '../../base/errors.ts';
import { labFolder, labHostName, labNames } from './lab-folder.ts';
import { readLabRecord, type LabHostRecord, type LabRecord } from './lab-record.ts';

/** A host of a lab by its name, for who wants to act on it. */
export interface KnownLabHost {
  /** The lab's folder. */
  readonly dir: string;
  readonly lab: LabRecord;
  readonly host: LabHostRecord;
}

/**
 * Finds a host among all labs of a home.
 * @throws BERTH_NOT_FOUND with the names that there are.
 */
export async function findLabHost(home: string, name: string): Promise<KnownLabHost> {
  const known: string[] = [];
  const names = await labNames(home);
  // The lab that it says it is of comes first, whatever is wrong with others.
  const own = name.replace(/-\d+$/, '');
  for (const labName of names.toSorted((a, b) => Number(b === own) - Number(a === own))) {
    const dir = labFolder(home, labName);
    const lab = await readLabRecord(dir);
    for (const host of lab?.hosts ?? []) {
      const hostName = labHostName(labName, host.index);
      if (lab !== undefined && hostName === name) return { dir, lab, host };
      known.push(hostName);
    }
  }
  throw berthError('BERTH_NOT_FOUND', { kind: 'host of a lab', name, known });
}
