import type { Duplex } from 'node:stream';
import { berthError } from '../base/errors.ts';
import {
  domainOf,
  ErrorCode,
  isLibvirtError,
  openConsole as openDomainConsole,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { DomainRecord } from './domain-record.ts';
import { mustRun } from './domains.ts';
import { codedFailure } from './host-link.ts';
import type { HostLink } from './host-link.ts';

/**
 * Opens a running domain's first serial console. A reader that pauses holds up nothing but it.
 * @param force takes it from whoever has it open.
 * @throws BERTH_CONFLICT when it does not run, BERTH_BUSY when somebody has it open.
 */
export async function openConsole(
  link: HostLink,
  record: DomainRecord,
  force: boolean,
  wait: Wait,
): Promise<Duplex> {
  mustRun(record, 'open the console of');
  try {
    return await openDomainConsole(link.connection, { dom: domainOf(record.uuid), force }, wait);
  } catch (error) {
    if (!isLibvirtError(error, ErrorCode.operationFailed)) throw codedFailure(link, error);
    const holder = 'somebody has it open; take it over with --force';
    throw berthError(
      'BERTH_BUSY',
      { what: `the console of ${record.name}`, holder },
      { cause: error },
    );
  }
}
