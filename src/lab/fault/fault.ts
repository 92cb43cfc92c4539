import { berthError } from '../../base/errors.ts';

/** One way to break a host. */
export type Fault =
  | { readonly kind: 'libvirtd-kill' }
  | { readonly kind: 'libvirtd-stop' }
  | { readonly kind: 'qemu-kill'; readonly domain: string }
  | { readonly kind: 'network-cut' }
  | { readonly kind: 'network-delay'; readonly ms: number }
  | { readonly kind: 'network-drop'; readonly percent: number }
  | { readonly kind: 'disk-full' }
  | { readonly kind: 'freeze' }
  | { readonly kind: 'clock'; readonly seconds: number }
  | { readonly kind: 'crash' };

export type FaultKind = Fault['kind'];

/** What people are told of a kind of fault. */
export interface FaultDescription {
  readonly name: FaultKind;
  /** What the word after the name means; absent when it takes none. */
  readonly parameter?: string;
  /** One sentence without its full stop. */
  readonly does: string;
  /** False for what happens once, and is over: nothing is left to be mended. */
  readonly lasts: boolean;
}

/** All that there is, in the order it is listed in. */
export const FAULTS: readonly FaultDescription[] = [
  {
    name: 'libvirtd-kill',
    does: 'kills libvirtd, which is started again after a second and finds its VMs running',
    lasts: false,
  },
  {
    name: 'libvirtd-stop',
    does: 'ends libvirtd and keeps it from being started again; VMs run on',
    lasts: true,
  },
  {
    name: 'qemu-kill',
    parameter: 'VM',
    does: 'kills the QEMU process of a VM, as a crash or the kernel short of memory would',
    lasts: false,
  },
  {
    name: 'network-cut',
    does: 'unplugs the host’s network cable; local access still works',
    lasts: true,
  },
  {
    name: 'network-delay',
    parameter: 'MS',
    does: 'makes every frame between the host and the network late by MS milliseconds, each way',
    lasts: true,
  },
  {
    name: 'network-drop',
    parameter: 'PERCENT',
    does: 'loses PERCENT of the frames between the host and the network, by chance, each way',
    lasts: true,
  },
  {
    name: 'disk-full',
    does: 'fills the host’s own file system, /var/lib/libvirt, to the last byte',
    lasts: true,
  },
  {
    name: 'freeze',
    does: 'stops every process of the host as if time stood still for it',
    lasts: true,
  },
  {
    name: 'clock',
    parameter: 'SECONDS',
    does: 'sets the host’s wall clock ahead of this machine’s by SECONDS, or behind when negative',
    lasts: true,
  },
  {
    name: 'crash',
    does: 'ends the host with all that runs on it at once, as a loss of power would',
    lasts: false,
  },
];

/** Longer than any real line is, and still within what TCP and people wait for. */
export const DELAY_MS_MAX = 60_000;
/** Some 31 years: more than any clock is wrong by, and the shim can count it in nanoseconds. */
export const CLOCK_SECONDS_MAX = 1_000_000_000;

/**
 * Reads a fault as it is typed: the name of its kind and the words after it.
 * @throws BERTH_NOT_FOUND for a kind that there is not; BERTH_SPEC_INVALID for a wrong parameter, or
 *   one too many or too few.
 */
export function parseFault(words: readonly string[]): Fault {
  const [name = '', value, ...rest] = words;
  const { name: kind, parameter } = faultDescription(name);
  if ((parameter === undefined) !== (value === undefined) || rest.length > 0) {
    const expected = parameter === undefined ? kind : `${kind} ${parameter}`;
    throw invalid(
      `"${words.join(' ')}" has too ${value === undefined ? 'few' : 'many'} words`,
      expected,
    );
  }
  return faultOf(kind, value ?? '');
}

/**
 * What there is to say of a kind of fault.
 * @throws BERTH_NOT_FOUND naming those that there are.
 */
export function faultDescription(name: string): FaultDescription {
  const found = FAULTS.find((fault) => fault.name === name);
  if (found !== undefined) return found;
  const known = FAULTS.map((fault) => fault.name);
  throw berthError('BERTH_NOT_FOUND', { kind: 'fault', name, known });
}

/** A fault as it is typed, in one text: what `parseFault` reads when it is split at spaces. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'qemu-kill':
      return `${fault.kind} ${fault.domain}`;
    case 'network-delay':
      return `${fault.kind} ${fault.ms}`;
    case 'network-drop':
      return `${fault.kind} ${fault.percent}`;
    case 'clock':
      return `${fault.kind} ${fault.seconds > 0 ? '+' : ''}${fault.seconds}`;
    default:
      return fault.kind;
  }
}

function faultOf(kind: FaultKind, value: string): Fault {
  switch (kind) {
    case 'qemu-kill':
      return { kind, domain: value };
    case 'network-delay':
      return { kind, ms: number(kind, value, { min: 1, max: DELAY_MS_MAX, unit: 'milliseconds' }) };
    case 'network-drop':
      return { kind, percent: number(kind, value, { min: 1, max: 100, unit: 'percent' }) };
    case 'clock':
      return { kind, seconds: seconds(value) };
    default:
      return { kind };
  }
}

function seconds(value: string): number {
  const max = CLOCK_SECONDS_MAX;
  const unit = 'seconds, such as +3600 or -60';
  const found = number('clock', value.replace(/^\+/, ''), { min: -max, max, unit });
  if (found !== 0) return found;
  throw invalid('the clock would be right', `${unit}; to set it right again, mend "clock"`);
}

function number(
  what: string,
  value: string,
  { min, max, unit }: { readonly min: number; readonly max: number; readonly unit: string },
): number {
  const found = /^-?\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
  if (found >= min && found <= max) return found;
  throw invalid(
    `"${value}" is not what ${what} takes`,
    `a whole number from ${min} to ${max} of ${unit}`,
  );
}

function invalid(problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where: 'fault', problem, expected });
}
