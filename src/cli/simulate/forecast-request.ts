import { berthError } from '../../base/errors.ts';
import { GIB } from '../../base/units.ts';
import { flavorRequest } from '../../engine/simulate/arrival-request.ts';
import type { PlacementRequest } from '../../engine/request.ts';
import { comingAt, requestOf } from '../../engine/request.ts';
import type { Session } from '../session.ts';
import { readSpecs } from '../spec-source.ts';

/** A kind of VM, and what it is called in answers. */
export interface ForecastKind {
  readonly vm: string;
  readonly request: PlacementRequest;
}

const SHORT = /^(\d{1,4})c(\d{1,6})g(?:-(dedicated|shared))?$/;

/**
 * Reads what `--forecast` names: `8c32g` (vCPUs and GiB, dedicated; `8c32g-shared`), or a spec file
 * with one VM.
 * @throws BERTH_USAGE, BERTH_SPEC_INVALID as specs do.
 */
export async function forecastKind(word: string, session: Session): Promise<ForecastKind> {
  const short = SHORT.exec(word);
  if (short !== null) {
    const [, vcpus, gib, policy] = short;
    if (Number(vcpus) === 0 || Number(gib) === 0) throw noKind(word, 'has nothing of something');
    const flavor = {
      name: word,
      vcpus: Number(vcpus),
      memoryBytes: Number(gib) * GIB,
      policy: policy === 'shared' ? 'shared' : 'dedicated',
      cells: 'auto',
    } as const;
    return { vm: word, request: flavorRequest(flavor) };
  }
  if (/^\d+c/.test(word)) throw noKind(word, 'is no kind of VM');
  const [entry, second] = await readSpecs(word, session);
  if (entry === undefined || second !== undefined) throw noKind(word, 'must have one VM in it');
  return { vm: entry.spec.name, request: requestOf(entry.spec) };
}

/** The kind of VM as it comes at that time, in milliseconds of the clock that seats go by. */
export function kindAt({ vm, request }: ForecastKind, now: number): ForecastKind {
  return { vm, request: comingAt(request, now) };
}

function noKind(word: string, problem: string): Error {
  return berthError('BERTH_USAGE', {
    problem: `--forecast: ${word} ${problem}`,
    usage: 'give vCPUs and GiB as in 8c32g or 8c32g-shared, or a spec file with one VM',
  });
}
