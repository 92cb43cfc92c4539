import { readBoard, type DomainBoard } from './domain-board.ts';
import { readDisk, type DomainDisk } from './domain-disk.ts';
import { readHostdev, type DomainHostdev } from './domain-hostdev.ts';
import { readInterface, type DomainInterface } from './domain-interface.ts';
import { readScreens, type DomainScreens } from './domain-screen.ts';
import type { XmlElement } from './element.ts';

/** The devices of a domain that Berth understands. */
export interface DomainDevices extends DomainBoard, DomainScreens {
  readonly emulator: string | undefined;
  readonly disks: readonly DomainDisk[];
  readonly interfaces: readonly DomainInterface[];
  readonly hostdevs: readonly DomainHostdev[];
}

/**
 * Reads `<devices>` of a domain.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readDevices(domain: XmlElement): DomainDevices {
  const all = (name: string): readonly XmlElement[] => domain.findAll(`devices/${name}`);
  return {
    emulator: all('emulator')[0]?.text,
    disks: all('disk').map(readDisk),
    interfaces: all('interface').map(readInterface),
    hostdevs: all('hostdev').map(readHostdev),
    ...readBoard(domain),
    ...readScreens(domain),
  };
}
