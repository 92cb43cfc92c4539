import { berthError } from '../../base/errors.ts';
import type { CatalogueEntry } from '../lab-port.ts';
import { painter } from '../look.ts';
import type { Session } from '../session.ts';
import { lookFor } from './lab-look.ts';
import type { PictureFlags } from './lab-look.ts';

export interface MachinesFlags extends PictureFlags {
  readonly keys?: true;
}

/** `lab machines`: all as a table; one as a drawing and, as JSON, with its whole topology. */
export async function showMachines(
  session: Session,
  word: string | undefined,
  flags: MachinesFlags,
): Promise<void> {
  if (flags.keys === true) return listKeys(session);
  if (word !== undefined) return drawMachine(session, await machineOf(session, word), flags);
  const machines = await session.ports.lab.machines();
  const { machineFigures } = await import('../machine-figures.ts');
  const views = machines.map(({ topology, ...machine }) => ({
    ...machine,
    ...machineFigures(topology),
  }));
  await session.answer(views, async () => {
    const { machineTable } = await import('../machine-table.ts');
    return machineTable(machines, lookFor(session, flags));
  });
}

/**
 * The machine of that name, or the one that the word describes: descriptions have a `=`.
 * @throws BERTH_NOT_FOUND, BERTH_SPEC_INVALID.
 */
async function machineOf(session: Session, word: string): Promise<CatalogueEntry> {
  if (word.includes('=')) {
    const { parseMachineShorthand } = await import('../../api/machine-file.ts');
    const { machineTopology } = await import('../../model/machine.ts');
    return {
      name: 'described',
      title: word,
      topology: machineTopology(parseMachineShorthand(word)),
    };
  }
  const machines = await session.ports.lab.machines();
  const machine = machines.find(({ name }) => name === word);
  if (machine !== undefined) return machine;
  const known = machines.map(({ name }) => name);
  throw berthError('BERTH_NOT_FOUND', { kind: 'machine', name: word, known });
}

async function drawMachine(
  session: Session,
  machine: CatalogueEntry,
  flags: PictureFlags,
): Promise<void> {
  const { machineFigures } = await import('../machine-figures.ts');
  await session.answer([{ ...machine, ...machineFigures(machine.topology) }], async () => {
    const { machinePage } = await import('../lab-page.ts');
    return machinePage(machine, lookFor(session, flags));
  });
}

async function listKeys(session: Session): Promise<void> {
  const { MACHINE_SHORTHAND } = await import('../../api/machine-file.ts');
  await session.answer(MACHINE_SHORTHAND, async () => {
    const { tableLines } = await import('../table.ts');
    const titles = ['KEY', 'EXAMPLE', 'WHAT IT SAYS (when left out)'];
    const rows = MACHINE_SHORTHAND.map(({ key, example, meaning }) => [key, example, meaning]);
    const columns = titles.map((title) => ({ title }));
    const lines = tableLines(columns, rows, painter(session.out).dim);
    return `${[...lines, 'joined by commas: sockets=2,cells=2,cores=8,memory=16GiB'].join('\n')}\n`;
  });
}
