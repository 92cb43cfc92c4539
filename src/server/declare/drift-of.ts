import type { DriftView } from '../../api/change.ts';
import type { Owned } from '../../host/owned-devices.ts';
import { OWNED_PARTS } from '../../host/owned-parts.ts';
import type { Verified } from '../../host/verify.ts';
import type { DomainXml } from '../../xml/domain.ts';

/** A VM as it is, and as it should be. */
export interface DriftCase {
  /** The definition as libvirt has it, and as Berth would write it. */
  readonly definition: DomainXml;
  readonly wanted: DomainXml;
  readonly owned: Owned;
  /** Of a guest that runs: as libvirt has it, and as Berth would have it now. */
  readonly running?: { readonly is: DomainXml; readonly wanted: DomainXml };
  /** Where its threads may run, and its memory comes from. */
  readonly verified?: Verified;
}

/** What of a running guest can be changed by hand, and is no part of where it sits. */
const LIVE_PARTS = ['vCPUs', 'memory', 'memory at the start'];

const ANEW = 'apply its document again: its definition is written anew';
const RESTART = 'apply its document again with --restart, or stop and start it';
const PINS = 'apply its document again: its threads are moved back';

/** Everything in which a VM is not what its document and its placement say. Pure. */
export function driftOf({
  definition,
  wanted,
  owned,
  running,
  verified,
}: DriftCase): readonly DriftView[] {
  const defined = OWNED_PARTS.flatMap(({ what, tell }) =>
    difference(
      { what, source: 'definition', mend: ANEW },
      tell(wanted, owned),
      tell(definition, owned),
    ),
  );
  if (running === undefined) return defined;
  const live = OWNED_PARTS.filter(({ what }) => LIVE_PARTS.includes(what)).flatMap(
    ({ what, tell }) =>
      difference(
        { what: `${what} of the running guest`, source: 'libvirt', mend: RESTART },
        tell(running.wanted, owned),
        tell(running.is, owned),
      ),
  );
  const pins = (verified?.differences ?? []).map(({ what, planned, actual, source }) => ({
    what,
    wanted: planned,
    is: actual,
    source,
    mend: isPin(what) ? PINS : RESTART,
  }));
  return [...defined, ...live, ...pins];
}

/** What a thread may run on can be changed while it runs; where memory lies cannot. */
function isPin(what: string): boolean {
  return what.endsWith('affinity');
}

/** True for drift that only goes with the guest that runs. */
export function needsRestart({ mend }: DriftView): boolean {
  return mend === RESTART;
}

function difference(
  about: Pick<DriftView, 'what' | 'source' | 'mend'>,
  wanted: string | undefined,
  is: string | undefined,
): readonly DriftView[] {
  if (wanted === is) return [];
  return [{ ...about, wanted: wanted ?? 'none', is: is ?? 'none' }];
}
