import highsModule from 'highs';
import { KIB } from '../../../src/base/units.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { plainCellPool, plainCellRoom, plainPages } from '../plain-books.ts';

/**
 * Where dedicated guests of one or several cells may sit, as an integer program for HiGHS. Written
 * from the rules of docs and nothing of the engine. The guests have a fixed number of cells and
 * shares that are even, and QEMU's own memory counts nothing.
 */

/** The package's types tell of its CommonJS form; what is imported is the loader itself. */
const loadHighs = highsModule as unknown as typeof highsModule.default;
const highs = await loadHighs();

/** What one cell has, and what a guest needs of each of its cells. */
type Amounts = Readonly<Record<string, number>>;

/** Whether all guests fit at once. */
export function allFit(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
): boolean {
  const { Status } = highs.solve(programOf(hosts, requests, 'all'));
  if (Status !== 'Optimal' && Status !== 'Infeasible') throw new Error(`HiGHS ended: ${Status}`);
  return Status === 'Optimal';
}

/** The most vCPUs of the guests that fit at once. */
export function mostVcpus(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
): number {
  const { Status, ObjectiveValue } = highs.solve(programOf(hosts, requests, 'most'), {
    mip_rel_gap: 0,
  });
  if (Status !== 'Optimal') throw new Error(`HiGHS ended: ${Status}`);
  return Math.round(ObjectiveValue);
}

/**
 * In LP format: `y_g_h` is 1 where guest g is on host h, `x_g_h_c` where it uses cell c of it.
 */
function programOf(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
  what: 'all' | 'most',
): string {
  const goal = requests.flatMap(({ vcpus }, g) => hosts.map((_, h) => `${vcpus} y_${g}_${h}`));
  const once = requests.map((_, g) => {
    const anywhere = hosts.map((__, h) => `y_${g}_${h}`).join(' + ');
    return `${anywhere} ${what === 'all' ? '=' : '<='} 1`;
  });
  const cells = hosts.flatMap((host, h) => host.topology.cells.map((cell) => ({ host, h, cell })));
  const whole = requests.flatMap((request, g) =>
    hosts.map((host, h) => {
      const used = host.topology.cells.map((cell) => `x_${g}_${h}_${cell.id}`).join(' + ');
      return `${used} - ${cellsOf(request)} y_${g}_${h} = 0`;
    }),
  );
  const room = cells.flatMap(({ host, h, cell }) => {
    const has = cellHas(host, cell.id);
    return Object.entries(has).map(([amount, most]) => {
      const parts = requests.flatMap((request, g) => {
        const needs = cellNeeds(request)[amount] ?? 0;
        return needs === 0 ? [] : [`${needs} x_${g}_${h}_${cell.id}`];
      });
      return parts.length === 0 ? '' : `${parts.join(' + ')} <= ${most}`;
    });
  });
  const rules = [...once, ...whole, ...room].filter((rule) => rule !== '');
  const names = requests.flatMap((_, g) => [
    ...hosts.map((__, h) => `y_${g}_${h}`),
    ...cells.map(({ h, cell }) => `x_${g}_${h}_${cell.id}`),
  ]);
  return [
    'Maximize',
    ` goal: ${goal.join(' + ')}`,
    'Subject To',
    ...rules.map((rule, index) => ` r${index}: ${rule}`),
    'Binary',
    ...names.map((name) => ` ${name}`),
    'End',
    '',
  ].join('\n');
}

function cellsOf({ cells }: PlacementRequest): number {
  return typeof cells === 'number' ? cells : 1;
}

/** pCPUs, cores that nobody uses, MiB of ordinary memory, huge pages by size. */
function cellHas(host: HostSnapshot, id: number): Amounts {
  const pool = new Set(plainCellPool(host, id));
  const cell = host.topology.cells.find((each) => each.id === id);
  const cores = (cell?.cpus ?? []).filter(
    (cpu) => cpu.siblings[0] === cpu.id && cpu.siblings.every((sibling) => pool.has(sibling)),
  );
  const huge = (cell?.pages ?? []).filter(({ sizeKiB }) => sizeKiB > 4);
  return {
    pcpus: pool.size,
    cores: cores.length,
    mib: Math.floor(plainCellRoom(host, id) / KIB / KIB),
    ...Object.fromEntries(
      huge.map(({ sizeKiB }) => [`p${sizeKiB}`, plainPages(host, sizeKiB, id)]),
    ),
  };
}

/** The same of what a guest needs on each of its cells; its hosts have two threads a core. */
function cellNeeds(request: PlacementRequest): Amounts {
  const vcpus = request.vcpus / cellsOf(request);
  const kib = request.memoryBytes / KIB / cellsOf(request);
  const { threads, pageKiB } = request;
  const cores = threads === 'isolate' ? vcpus : threads === 'require' ? vcpus / 2 : 0;
  return {
    pcpus: threads === 'isolate' ? 2 * vcpus : vcpus,
    cores,
    ...(pageKiB === undefined ? { mib: kib / KIB } : { [`p${pageKiB}`]: kib / pageKiB }),
  };
}
