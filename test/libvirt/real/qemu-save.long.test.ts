import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  connectListAllDomains,
  domainCoreDumpWithFormat,
  DomainCoreDumpFlag,
  DomainCoreDumpFormat,
  domainCreateWithFlags,
  domainCreateXml,
  DomainCreateFlag,
  domainDestroyFlags,
  domainGetJobStats,
  domainGetState,
  domainGetXmlDesc,
  domainHasManagedSaveImage,
  DomainJobOperation,
  DomainJobStat,
  DomainJobStatsFlag,
  DomainJobType,
  DomainListFlag,
  domainManagedSave,
  domainManagedSaveDefineXml,
  domainManagedSaveGetXmlDesc,
  domainManagedSaveRemove,
  domainRestoreFlags,
  domainRestoreParams,
  domainResume,
  DomainSaveFlag,
  domainSaveFlags,
  domainSaveImageDefineXml,
  domainSaveImageGetXmlDesc,
  DomainSaveImageXmlFlag,
  domainSaveParams,
  DomainSaveParam,
  DomainShutoffReason,
  DomainState,
  DomainXmlFlag,
  ErrorCode,
  paramRecord,
} from '../../../src/libvirt/index.ts';
import type { GuestShell } from '../../../src/lab/guest/guest-shell.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { refusedWith } from '../../refusal.ts';
import { emptyGuestXml, guestDaemon, skip, WAIT } from '../daemon.ts';
import { askPython } from './ask-python.ts';
import { inGuest, shellOf, startJobGuest, type JobGuest } from './job-guest.ts';

/** libvirt 12.8 refuses to dump a guest of QEMU that runs meanwhile, which 11.3 did. */
const NO_LIVE_DUMPS = 12_000_000;

describe('the memory of a guest, through a real libvirtd', { skip, concurrency: false }, () => {
  let lab: LabHost;
  let guest: JobGuest;
  let shell: GuestShell;

  before(async () => {
    lab = await guestDaemon();
    guest = await startJobGuest(lab, 'memory', '');
    shell = guest.shell;
    await inGuest(shell, 'echo remembered >/tmp/word');
  });
  after(async () => {
    await shell.close();
    await guest[Symbol.asyncDispose]();
  });

  const said = async (expression: string): Promise<unknown> =>
    askPython(lab.uri, `dom = conn.lookupByName('memory'); answer = ${expression}`);
  const file = (name: string): string => `${lab.images.inside}/${name}`;
  /** The domain's XML with another title, which the guest does not see. */
  const titled = async (title: string): Promise<string> => {
    const flags = DomainXmlFlag.migratable | DomainXmlFlag.secure;
    const { xml } = await guest.connection.call(domainGetXmlDesc, { dom: guest.dom, flags }, WAIT);
    const plain = xml.replace(/\s*<title>.*<\/title>/, '');
    return plain.replace('</name>', `</name><title>${title}</title>`);
  };
  const title = async (): Promise<unknown> =>
    said('dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None)');
  const state = async (): Promise<readonly number[]> => {
    const { state, reason } = await guest.connection.call(domainGetState, { dom: guest.dom }, WAIT);
    return [state, reason];
  };
  const remembers = async (): Promise<void> => {
    shell = await shellOf(lab.uri, 'memory');
    assert.equal(await inGuest(shell, 'cat /tmp/word'), 'remembered');
  };
  const start = async (name: string): Promise<Buffer> => {
    const handle = await open(join(lab.images.outside, name));
    try {
      return (await handle.read(Buffer.alloc(16), 0, 16, 0)).buffer;
    } finally {
      await handle.close();
    }
  };

  test('is saved to a file, whose XML can be changed, and runs on from there', async () => {
    const { connection, dom } = guest;
    const to = file('first.save');
    const dxml = await titled('saved');
    await shell.close();
    await connection.call(domainSaveFlags, { dom, to, dxml }, WAIT);
    assert.deepEqual(await state(), [DomainState.shutoff, DomainShutoffReason.saved]);
    const image = { file: to, flags: DomainSaveImageXmlFlag.secure };
    const { xml } = await connection.call(domainSaveImageGetXmlDesc, image, WAIT);
    assert.match(xml, /<title>saved<\/title>/);
    assert.equal(await said(`conn.saveImageGetXMLDesc('${to}', 1)`), xml);
    const flags = DomainSaveFlag.paused;
    const changed = { file: to, dxml: xml.replace('>saved<', '>changed<'), flags };
    await connection.call(domainSaveImageDefineXml, changed, WAIT);
    await connection.call(domainRestoreFlags, { from: to }, WAIT);
    assert.equal((await state())[0], DomainState.paused);
    assert.equal(await title(), 'changed');
    await assert.rejects(
      connection.call(domainRestoreFlags, { from: to }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    await connection.call(domainResume, { dom }, WAIT);
    await remembers();
  });

  test('is saved and restored by parameters as well', async (t) => {
    const { connection, dom } = guest;
    if (connection.libVersion < 8_004_000) return t.skip('needs: libvirt 8.4');
    const where = {
      field: DomainSaveParam.file,
      type: 'string',
      value: file('second.save'),
    } as const;
    await shell.close();
    await connection.call(domainSaveParams, { dom, params: [where] }, WAIT);
    assert.deepEqual(await said('dom.isActive()'), 0);
    const { xml } = await connection.call(domainSaveImageGetXmlDesc, { file: where.value }, WAIT);
    const dxml = xml.replace('>changed<', '>by parameters<');
    const params = [where, { field: DomainSaveParam.dxml, type: 'string', value: dxml }] as const;
    await assert.rejects(
      connection.call(domainRestoreParams, { params: params.slice(1) }, WAIT),
      refusedWith(ErrorCode.invalidArg),
    );
    const flags = DomainSaveFlag.running;
    await connection.call(domainRestoreParams, { params, flags }, WAIT);
    assert.equal((await state())[0], DomainState.running);
    assert.equal(await title(), 'by parameters');
    await remembers();
  });

  test('is kept by libvirt over a stop, until it is thrown away', async () => {
    const { connection, dom } = guest;
    const kept = async (): Promise<boolean> =>
      (await connection.call(domainHasManagedSaveImage, { dom }, WAIT)).result;
    await assert.rejects(
      connection.call(domainManagedSaveGetXmlDesc, { dom }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    await shell.close();
    await connection.call(domainManagedSave, { dom, flags: DomainSaveFlag.paused }, WAIT);
    assert.deepEqual([await kept(), await said('dom.hasManagedSaveImage()')], [true, 1]);
    const flags = DomainListFlag.managedsave;
    const { domains } = await connection.call(connectListAllDomains, { flags }, WAIT);
    assert.deepEqual(
      domains.map(({ name }) => name),
      ['memory'],
    );
    const { xml } = await connection.call(domainManagedSaveGetXmlDesc, { dom }, WAIT);
    assert.equal(await said('dom.managedSaveGetXMLDesc()'), xml);
    const changed = { dom, dxml: xml.replace(/<title>.*</, '<title>kept<') };
    const running = { ...changed, flags: DomainSaveFlag.running };
    await connection.call(domainManagedSaveDefineXml, running, WAIT);
    await connection.call(domainCreateWithFlags, { dom }, WAIT);
    assert.equal((await state())[0], DomainState.running);
    assert.deepEqual([await kept(), await title()], [false, 'kept']);
    await remembers();

    await shell.close();
    await connection.call(domainManagedSave, { dom }, WAIT);
    await connection.call(domainManagedSaveRemove, { dom }, WAIT);
    assert.deepEqual([await kept(), await said('dom.hasManagedSaveImage()')], [false, 0]);
    const args = { xmlDesc: emptyGuestXml('passing'), flags: DomainCreateFlag.paused };
    const { dom: passing } = await connection.call(domainCreateXml, args, WAIT);
    await assert.rejects(
      connection.call(domainManagedSave, { dom: passing }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    await connection.call(domainDestroyFlags, { dom: passing }, WAIT);
  });

  test('is dumped for a debugger, from a guest that runs on or ends', async () => {
    const { connection, dom } = guest;
    await connection.call(domainCreateWithFlags, { dom }, WAIT);
    const { memoryOnly, crash } = DomainCoreDumpFlag;
    const live = connection.libVersion < NO_LIVE_DUMPS ? DomainCoreDumpFlag.live : 0;
    const { raw, kdumpZlib } = DomainCoreDumpFormat;
    const dump = async (name: string, dumpformat: number, flags: number): Promise<object> =>
      connection.call(domainCoreDumpWithFormat, { dom, to: file(name), dumpformat, flags }, WAIT);
    await dump('core.elf', raw, memoryOnly | live);
    assert.equal((await start('core.elf')).toString('latin1', 0, 4), '\x7fELF');
    await dump('core.live', raw, live);
    const asked = { dom, flags: DomainJobStatsFlag.completed | DomainJobStatsFlag.keepCompleted };
    const { type, params } = await connection.call(domainGetJobStats, asked, WAIT);
    assert.equal(type, DomainJobType.completed);
    assert.equal(paramRecord(params)[DomainJobStat.operation], DomainJobOperation.dump);
    const theirs = await said('dom.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)');
    const numbers = params.map(({ field, value }) => [
      field,
      typeof value === 'bigint' ? Number(value) : value,
    ]);
    assert.deepEqual({ type, ...(Object.fromEntries(numbers) as object) }, theirs);
    await dump('core.kdump', kdumpZlib, memoryOnly);
    assert.match((await start('core.kdump')).toString('latin1'), /^(KDUMP|makedumpfile)/);
    await assert.rejects(
      dump('core.x', kdumpZlib, live),
      refusedWith(ErrorCode.operationUnsupported),
    );
    await dump('core.save', raw, crash);
    assert.deepEqual(await state(), [DomainState.shutoff, DomainShutoffReason.crashed]);
  });
});
