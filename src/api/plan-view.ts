import type { Placement } from '../model/placement.ts';
import { changedDocument } from './changed-document.ts';
import { plain } from './plain.ts';
import type { PlanView } from './resources.ts';
import type { VmDocument } from './vm-spec.ts';

type Placed = Extract<PlanView, { placed: true }>;
type Refused = Extract<PlanView, { placed: false }>;

/** What placement answered: where the VM sits, or every reason why it sits nowhere. */
export type PlanResult =
  | {
      readonly ok: true;
      readonly placement: Placement;
      readonly score: ReadonlyDeep<Placed['score']>;
      readonly runnerUp?: ReadonlyDeep<NonNullable<Placed['runnerUp']>>;
    }
  | {
      readonly ok: false;
      readonly summary: string;
      readonly refusals: ReadonlyDeep<Refused['hosts']>;
      readonly smallestChange: readonly PlanChange[];
    };

/** A change with which the VM would fit, as the engine names it. */
interface PlanChange {
  readonly kind: string;
  readonly say: string;
  /** Values to write into the document, by path; null takes a key out. */
  readonly set: Readonly<Record<string, unknown>>;
  readonly moves?: readonly { readonly vm: string; readonly from: string; readonly to: string }[];
}

type ReadonlyDeep<T> = T extends (infer E)[]
  ? readonly ReadonlyDeep<E>[]
  : T extends object
    ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> }
    : T;

/** A plan as the API and the command line tell it: with the whole changed document for each change. */
export function planViewOf(document: VmDocument, result: PlanResult): PlanView {
  const vm = document.metadata.name;
  if (result.ok) {
    const { placement, score, runnerUp } = result;
    const rest = runnerUp === undefined ? {} : { runnerUp: plain(runnerUp) };
    return { placed: true, vm, placement: plain(placement), score: plain(score), ...rest };
  }
  return {
    placed: false,
    vm,
    summary: result.summary,
    hosts: plain(result.refusals),
    smallestChange: result.smallestChange.flatMap((change) => changeViewOf(document, change)),
  };
}

/** A change of the document is only told where the document can be written so. */
function changeViewOf(
  document: VmDocument,
  { kind, say, set, moves }: PlanChange,
): Refused['smallestChange'] {
  if (moves !== undefined) {
    return [{ kind, say, moves: moves.map(({ vm, from, to }) => ({ vm, from, to })) }];
  }
  const spec = changedDocument(document, set);
  return spec === undefined ? [] : [{ kind, say, spec }];
}
