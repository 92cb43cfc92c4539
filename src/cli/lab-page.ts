import type { LabHostInfo, LabInfo } from '../lab/fleet/lab-info.ts';
import { packed } from './block-grid.ts';
import type { CatalogueEntry } from './lab-port.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import type { BoxPen } from './machine-boxes.ts';
import { counted } from './machine-figures.ts';
import { machinePicture, pictureLegend } from './machine-picture.ts';
import { mapInk } from './map-ink.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { textWidth } from './text-width.ts';

/** No wider than this, however wide the terminal. */
const COLUMNS_MAX = 200;

/**
 * The picture of fleets: each lab with its network, its hosts with what is wrong with them and the
 * way in, and a drawing of each machine that they show. Hosts that show the same share one drawing.
 */
export function labPage(infos: readonly LabInfo[], look: Look): string {
  const labs = printable(infos);
  if (labs.length === 0) return 'no lab is up; make one with: berth lab up --hosts 3\n';
  const pen = { unicode: look.unicode, ink: mapInk(look) };
  const columns = Math.min(look.columns, COLUMNS_MAX);
  const parts = labs.map((lab) => [
    ...headLines(lab, look),
    '',
    ...hostLines(lab.hosts, { ...look, columns }),
    ...wayLines(lab, look),
    '',
    ...drawings(lab.hosts, pen, columns),
  ]);
  return [...parts.flatMap((lines) => [...lines, '']), pictureLegend(pen)]
    .map((line) => line.trimEnd())
    .concat('')
    .join('\n');
}

/** The drawing of one machine of the catalogue. */
export function machinePage(machine: CatalogueEntry, look: Look): string {
  const { name, title, topology } = printable(machine);
  const pen = { unicode: look.unicode, ink: mapInk(look) };
  const width = Math.min(look.columns, COLUMNS_MAX);
  const picture = machinePicture(topology, { title: name, remarks: [] }, pen);
  return [title, '', ...picture.draw({ width }).lines, '', pictureLegend(pen), ''].join('\n');
}

function headLines(lab: LabInfo, look: Look): readonly string[] {
  const c = painter(look);
  const facts = `network ${lab.network}, ${counted(lab.hosts.length, 'host')}`;
  return [
    `${c.bold(`lab ${lab.name}`)}  ${c.dim(facts)}`,
    ...lab.notes.map((note) => c.yellow(`  ${note}`)),
  ];
}

/** The table of hosts; where it is too wide for one line a host, the way in has its own line. */
function hostLines(hosts: readonly LabHostInfo[], look: Look): readonly string[] {
  const c = painter(look);
  const isBroken = hosts.some(({ broken }) => broken.length > 0);
  const titles = ['HOST', 'STATE', 'MACHINE', 'ADDRESS', ...(isBroken ? ['BROKEN BY'] : [])];
  const rows = hosts.map((host) => [
    host.name,
    host.state === 'running' ? c.green(host.state) : c.red(host.state),
    host.machine,
    host.address,
    ...(isBroken ? [host.broken.length === 0 ? '-' : c.yellow(host.broken.join(', '))] : []),
  ]);
  const withWay = rows.map((row, index) => [...row, hosts[index]?.uri ?? '']);
  const lines = tableOf([...titles, 'WAY IN'], withWay, c.dim);
  if (lines.every((line) => textWidth(line) <= look.columns)) return lines;
  const [title = '', ...others] = tableOf(titles, rows, c.dim);
  return [
    title,
    ...others.flatMap((line, index) => [line, c.dim(`    ${hosts[index]?.uri ?? ''}`)]),
  ];
}

function tableOf(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  paintTitle: (text: string) => string,
): readonly string[] {
  const columns = titles.map((title) => ({ title }));
  return tableLines(columns, rows, paintTitle).map((line) => `  ${line}`);
}

/** That there are ways in over the lab's network, which is only there inside the lab. */
function wayLines({ name, hosts }: LabInfo, look: Look): readonly string[] {
  const ways = ['ssh', 'tls'] as const;
  const there = ways.filter((way) => hosts.some((host) => host.ways[way] !== undefined));
  if (there.length === 0) return [];
  const words = there.map((way) => way.toUpperCase()).join(' and ');
  return [painter(look).dim(`  over its network also by ${words}: berth lab ls ${name} --json`)];
}

/** One drawing for each machine there is, from left to right as they fit. */
function drawings(hosts: readonly LabHostInfo[], pen: BoxPen, columns: number): readonly string[] {
  const boxes = [...Map.groupBy(hosts, machineKey).values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const names = runsOfNames(members.map(({ name }) => name));
    return [machinePicture(first.topology, { title: first.machine, remarks: [names] }, pen)];
  });
  return packed(boxes, { width: columns, gap: 1 }).lines;
}

/** Hosts with one key show the same machine; what is free of it does not matter. */
function machineKey({ machine, kind, topology }: LabHostInfo): string {
  const cells = topology.cells.map((cell) => ({
    ...cell,
    freeBytes: 0,
    pages: cell.pages.map((pool) => ({ ...pool, free: 0 })),
  }));
  return JSON.stringify([machine, kind, { ...topology, cells }]);
}

/** The names, those with numbers in a row as one phrase: `lab-1 to lab-4`. */
function runsOfNames(names: readonly string[]): readonly string[] {
  const runs: string[][] = [];
  for (const name of names) {
    const run = runs.at(-1);
    if (run !== undefined && nextName(run.at(-1) ?? '') === name) run.push(name);
    else runs.push([name]);
  }
  return runs.flatMap((run) => (run.length < 3 ? run : [`${run[0]} to ${run.at(-1)}`]));
}

/** `lab-4` after `lab-3`. */
function nextName(name: string): string {
  return name.replace(/\d+$/, (digits) => `${Number(digits) + 1}`);
}
