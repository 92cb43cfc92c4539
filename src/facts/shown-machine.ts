/** Folders of sysfs that show the machine's CPUs and cells. */
const SHOWN = ['/sys/devices/system/cpu', '/sys/devices/system/node'];

/** What to read of a process to learn whether it is shown the machine that it runs on. */
export function mountFile(pid: number): string {
  return `proc/${pid}/mountinfo`;
}

/**
 * True when a process sees CPUs or cells that are not its kernel's: something other than sysfs is
 * mounted where they are shown, as in a lab and in some containers. Then numbers of CPUs and cells
 * mean one thing to programs and another to the kernel, and its word on where a thread may run says
 * nothing about what was asked for.
 * @param mountinfo text of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
 */
export function isShownOtherMachine(mountinfo: string): boolean {
  const mounts = mountinfo.split('\n').flatMap(parseMount);
  return SHOWN.some((folder) => {
    // Of several that cover a folder, the one nearest to it is seen, and of those the last.
    const covering = mounts.filter(({ path }) => path === folder || folder.startsWith(`${path}/`));
    const nearest = Math.max(...covering.map(({ path }) => path.length));
    const seen = covering.findLast(({ path }) => path.length === nearest);
    return seen !== undefined && seen.fsType !== 'sysfs';
  });
}

function parseMount(line: string): readonly { readonly path: string; readonly fsType: string }[] {
  const [left = '', right = ''] = line.split(' - ');
  const path = left.split(' ')[4];
  const [fsType] = right.split(' ');
  return path?.startsWith('/sys') === true && fsType !== undefined ? [{ path, fsType }] : [];
}
