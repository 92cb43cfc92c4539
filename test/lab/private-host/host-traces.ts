import { readFile, readdir } from 'node:fs/promises';

/** What a host leaves on the machine while it runs, to be compared before and after. */
export interface HostTraces {
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
}

/**
 * Looks at the machine. Other tests and programs run at the same time, so cgroups and processes are
 * those whose name, command line or environment has the host's folder in it.
 */
export async function hostTraces(
  dir: string,
  ...cgroupNames: readonly string[]
): Promise<HostTraces> {
  return {
    mounts: (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').toSorted(),
    links: (await readdir('/sys/class/net')).toSorted(),
    cgroups: await cgroupsNamed(cgroupNames),
    processes: await processesOf(dir),
  };
}

async function cgroupsNamed(names: readonly string[]): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/cgroup', 'utf8')).split('\n');
  const found: string[] = [];
  for (const line of lines) {
    const [, controllers = '', path = ''] = line.split(':');
    const folder = `/sys/fs/cgroup/${controllers.replace('name=', '')}${path}`;
    const entries = await readdir(folder).catch(() => []);
    found.push(
      ...entries
        .filter((entry) => names.some((name) => entry.includes(name)))
        .map((e) => `${folder}/${e}`),
    );
  }
  return found;
}

async function processesOf(dir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const texts = await Promise.all(
      ['cmdline', 'environ'].map((file) =>
        readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
      ),
    );
    const theirs = /(?:^|\0)BERTH_DIR=([^\0]*)/.exec(texts[1] ?? '')?.[1] ?? '';
    if (theirs === dir || theirs.startsWith(`${dir}/`)) found.push(`${pid} ${texts[0]}`);
  }
  return found;
}
