/**
 * libvirt's CPU maps: CPU n is bit n % 8 of byte n / 8 (VIR_USE_CPU, libvirt-domain.h).
 */

/** Bytes that a map of CPUs 0 to `pcpus` - 1 takes. */
export function cpuMapBytes(pcpus: number): number {
  return Math.ceil(pcpus / 8);
}

/** The CPUs of a map, ascending. */
export function cpusOfMap(map: Uint8Array): readonly number[] {
  return [...map].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).map((bit) => index * 8 + bit),
  );
}

/** The map that has just these CPUs. */
export function mapOfCpus(cpus: readonly number[], pcpus: number): Buffer {
  const map = Buffer.alloc(cpuMapBytes(pcpus));
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}
