/** A line of /proc/cpuinfo that only one architecture writes (show_cpuinfo in each arch/ of Linux). */
const MARKS: readonly (readonly [arch: string, mark: RegExp])[] = [
  ['s390x', /^vendor_id\s*:\s*IBM\/S390/m],
  ['x86_64', /^vendor_id\s*:/m],
  ['aarch64', /^CPU implementer\s*:/m],
  ['ppc64le', /^cpu\s*:\s*POWER(?:8|9|\d\d)/m],
  ['ppc64', /^cpu\s*:\s*POWER/m],
];

/**
 * The architecture, in libvirt's word, of the 64-bit machine with this `/proc/cpuinfo`; undefined
 * when it has no mark of one. POWER8 and later are taken for little-endian, as every distribution
 * for them is.
 */
export function cpuinfoArch(cpuinfo: string): string | undefined {
  return MARKS.find(([, mark]) => mark.test(cpuinfo))?.[0];
}
