import type { HostView } from '../api/resources.ts';
import type { MapPen } from './map-pen.ts';

type CpuView = HostView['topology']['cells'][number]['cpus'][number];
/** What of a CPU a drawing shows. */
export type DrawnCpu = Readonly<Pick<CpuView, 'id' | 'socket' | 'die' | 'l3' | 'core' | 'online'>>;

/** CPUs of one cell that share an L3 cache, core by core. */
export interface CpuGroup {
  readonly socket: number;
  readonly die: number;
  /** Absent where the machine does not tell its caches. */
  readonly l3?: number;
  /** The cell reaches over several packages, or the package has several dies. */
  readonly spansSockets: boolean;
  readonly spansDies: boolean;
  readonly cores: readonly (readonly DrawnCpu[])[];
}

/** The online CPUs by package, die and L3 cache, then by core, each in ascending order. */
export function groupsOf(cpus: readonly DrawnCpu[]): readonly CpuGroup[] {
  const online = cpus.filter((cpu) => cpu.online);
  const groups = Map.groupBy(
    online.toSorted((a, b) => a.id - b.id),
    (cpu) => `${cpu.socket}.${cpu.die}.${cpu.l3 ?? ''}`,
  );
  const spansSockets = socketsOf(online).length > 1;
  const spansDies = new Set(online.map((cpu) => cpu.die)).size > 1;
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const { socket, die, l3 } = first;
    const cores = [...Map.groupBy(members, (cpu) => cpu.core).values()];
    return [{ socket, die, ...(l3 === undefined ? {} : { l3 }), spansSockets, spansDies, cores }];
  });
}

/** What a group is called: only the levels that tell something. */
export function groupName(group: CpuGroup, pen: Pick<MapPen, 'unicode'>): string {
  return [
    ...(group.spansSockets ? [`package ${group.socket}`] : []),
    ...(group.spansDies ? [`die ${group.die}`] : []),
    ...(group.l3 === undefined ? [] : [`L3 ${group.l3}`]),
  ].join(pen.unicode ? ' › ' : ' > ');
}

/** Packages that the CPUs belong to, ascending. */
export function socketsOf(cpus: readonly DrawnCpu[]): readonly number[] {
  return [...new Set(cpus.map((cpu) => cpu.socket))].toSorted((a, b) => a - b);
}
