import highsModule from 'highs';
import { KIB } from '../../../src/base/units.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { plainCellPool, plainCellRoom, plainPages } from '../plain-books.ts';

/**
 * Where dedicated guests of one or several cells may sit, as an integer program for HiGHS. Written
 * from the rules of docs and nothing of the engine. The guests have a number of cells or leave it open,
 * and QEMU's own memory counts nothing.
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

/** One way to cut a guest: parts that need the same, how many of them, and what each needs. */
interface Cut {
  readonly parts: readonly { readonly many: number; readonly needs: Amounts }[];
}

/**
 * In LP format: `y_g_h_k` is 1 where guest g is on host h, cut its k-th way; `x_g_h_k_p_c` where a part
 * of its p-th kind uses cell c of it.
 */
function programOf(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
  what: 'all' | 'most',
): string {
  const ways = requests.flatMap((request, g) =>
    hosts.flatMap((host, h) =>
      cutsOf(request, host).map((cut, k) => ({ cut, host, request, g, h, name: `${g}_${h}_${k}` })),
    ),
  );
  const goal = ways.map(({ request, name }) => `${request.vcpus} y_${name}`);
  const once = requests.map((_, g) => {
    const anywhere = ways.flatMap((way) => (way.g === g ? [`y_${way.name}`] : [])).join(' + ');
    return `${anywhere} ${what === 'all' ? '=' : '<='} 1`;
  });
  const whole = ways.flatMap(({ cut, host, name }) =>
    cut.parts.map(({ many }, p) => {
      const used = host.topology.cells.map((cell) => `x_${name}_${p}_${cell.id}`).join(' + ');
      return `${used} - ${many} y_${name} = 0`;
    }),
  );
  const apart = ways.flatMap(({ cut, host, name }) =>
    host.topology.cells.map(
      (cell) => `${cut.parts.map((_, p) => `x_${name}_${p}_${cell.id}`).join(' + ')} <= 1`,
    ),
  );
  const room = hosts.flatMap((host, h) =>
    roomRules(
      host,
      ways.filter((way) => way.h === h),
    ),
  );
  const names = ways.flatMap(({ cut, host, name }) => [
    `y_${name}`,
    ...cut.parts.flatMap((_, p) => host.topology.cells.map((cell) => `x_${name}_${p}_${cell.id}`)),
  ]);
  return [
    'Maximize',
    ` goal: ${goal.join(' + ')}`,
    'Subject To',
    ...[...once, ...whole, ...apart, ...room].map((rule, index) => ` r${index}: ${rule}`),
    'Binary',
    ...names.map((name) => ` ${name}`),
    'End',
    '',
  ].join('\n');
}

/** What the cells of a host have, for the ways to put guests there. */
function roomRules(
  host: HostSnapshot,
  ways: readonly { readonly cut: Cut; readonly name: string }[],
): readonly string[] {
  return host.topology.cells.flatMap(({ id }) =>
    Object.entries(cellHas(host, id)).flatMap(([amount, most]) => {
      const taken = ways.flatMap(({ cut, name }) =>
        cut.parts.flatMap(({ needs }, p) => {
          const need = needs[amount] ?? 0;
          return need === 0 ? [] : [`${need} x_${name}_${p}_${id}`];
        }),
      );
      return taken.length === 0 ? [] : [`${taken.join(' + ')} <= ${most}`];
    }),
  );
}

/** Every way to cut a guest on a host: the larger shares first, of vCPUs and of memory. */
function cutsOf(request: PlacementRequest, host: HostSnapshot): readonly Cut[] {
  const { cells, vcpus, threads, memoryBytes, pageKiB } = request;
  const grain = threads === 'require' ? 2 : 1;
  const unitKib = pageKiB ?? KIB;
  const most = Math.min(host.topology.cells.length, vcpus / grain);
  const counts = cells === 'auto' ? Array.from({ length: most }, (_, index) => index + 1) : [cells];
  return counts.flatMap((count) => {
    if (typeof count !== 'number') throw new Error('guest cells given by hand are not modelled');
    const shares = Array.from({ length: count }, (_, part) => ({
      vcpus: share(vcpus / grain, count, part) * grain,
      kib: share(memoryBytes / KIB / unitKib, count, part) * unitKib,
    }));
    const alike = Map.groupBy(shares, (each) => `${each.vcpus} ${each.kib}`);
    const parts = [...alike.values()].flatMap((group) =>
      group.slice(0, 1).map((one) => ({ many: group.length, needs: partNeeds(request, one) })),
    );
    return [{ parts }];
  });
}

function share(whole: number, parts: number, part: number): number {
  return Math.floor(whole / parts) + (part < whole % parts ? 1 : 0);
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

/** The same of what a part of a guest needs of its cell; its hosts have two threads a core. */
function partNeeds(
  { threads, pageKiB }: PlacementRequest,
  { vcpus, kib }: { readonly vcpus: number; readonly kib: number },
): Amounts {
  const cores = threads === 'isolate' ? vcpus : threads === 'require' ? vcpus / 2 : 0;
  return {
    pcpus: threads === 'isolate' ? 2 * vcpus : vcpus,
    cores,
    ...(pageKiB === undefined ? { mib: kib / KIB } : { [`p${pageKiB}`]: kib / pageKiB }),
  };
}
