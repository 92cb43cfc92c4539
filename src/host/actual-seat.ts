import { basename, dirname } from 'node:path';
import { qemuThreadFiles, readQemuThreads } from '../facts/qemu-threads.ts';
import { isShownOtherMachine, mountFile } from '../facts/shown-machine.ts';
import {
  DomainAffect,
  domainGetEmulatorPinInfo,
  domainGetIothreadInfo,
  domainGetVcpuPinInfo,
  domainOf,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import { cpuMapBytes, cpusOfMap } from './cpu-map.ts';
import { isActive, pageSizeKiB } from './domain-record.ts';
import type { DomainRecord } from './domain-record.ts';
import { readFiles, readText } from './file-view.ts';
import type { HostLink } from './host-link.ts';
import type { Actual, ActualSeat } from './verify.ts';

/**
 * Where a domain's threads really may run: as libvirt answers and, for a running domain on this
 * machine, as the kernel keeps it for each thread of QEMU. A source that cannot be had is told so.
 * @param pcpus how many CPU numbers the host has, offline ones included.
 */
export async function readActual(
  link: HostLink,
  record: DomainRecord,
  pcpus: number,
  wait: Wait,
): Promise<Actual> {
  const libvirt = await libvirtSeat(link, record, pcpus, wait);
  if (!isActive(record.state)) return { seats: [libvirt], unknown: [] };
  const kernel = await kernelSeat(link, record);
  if (typeof kernel !== 'string') return { seats: [libvirt, kernel], unknown: [] };
  return { seats: [libvirt], unknown: [`what the kernel keeps for its threads: ${kernel}`] };
}

async function libvirtSeat(
  link: HostLink,
  record: DomainRecord,
  pcpus: number,
  wait: Wait,
): Promise<ActualSeat> {
  const dom = domainOf(record.uuid);
  const maplen = cpuMapBytes(pcpus);
  const flags = isActive(record.state) ? DomainAffect.live : DomainAffect.config;
  const ncpumaps = record.definition.vcpu?.count ?? 1;
  const pins = await link.call(domainGetVcpuPinInfo, { dom, ncpumaps, maplen, flags }, wait);
  const emulator = await link.call(domainGetEmulatorPinInfo, { dom, maplen, flags }, wait);
  const vcpuSet = (vcpu: number): readonly number[] =>
    cpusOfMap(pins.cpumaps.subarray(vcpu * maplen, (vcpu + 1) * maplen));
  const { memory, cells = [] } = record.definition.numaTune ?? {};
  return {
    source: 'libvirt',
    vcpus: new Map(Array.from({ length: pins.num }, (_, vcpu) => [vcpu, vcpuSet(vcpu)])),
    emulator: cpusOfMap(emulator.cpumaps),
    ...(await ioThreadSeats(link, record, wait)),
    memoryMode: memory?.mode ?? 'none',
    memoryCells: memory?.hostCells ?? [],
    guestCells: cells.map(({ guestCell, mode, hostCells }) => ({
      id: guestCell,
      mode: mode ?? 'strict',
      hostCells: hostCells ?? [],
    })),
    pageKiB: pageSizeKiB(record.definition),
  };
}

/** Asked only of a domain that was given I/O threads. */
async function ioThreadSeats(
  link: HostLink,
  record: DomainRecord,
  wait: Wait,
): Promise<Pick<ActualSeat, 'ioThreads'>> {
  if (record.metadata?.placement.ioThreads === undefined) return {};
  const flags = isActive(record.state) ? DomainAffect.live : DomainAffect.config;
  const { info } = await link.call(
    domainGetIothreadInfo,
    { dom: domainOf(record.uuid), flags },
    wait,
  );
  return { ioThreads: new Map(info.map((one) => [one.iothreadId, cpusOfMap(one.cpumap)])) };
}

/** What the kernel keeps, or in words why that is not known. */
async function kernelSeat(link: HostLink, record: DomainRecord): Promise<ActualSeat | string> {
  if (link.files === undefined) return `the files of host ${link.name} cannot be read from here`;
  const pid = await qemuPid(link, record);
  if (pid === undefined) return 'its QEMU process is not to be found';
  const mounts = await readText(link.files, mountFile(pid));
  if (isShownOtherMachine(mounts ?? '')) return 'it is not the kernel of the machine that is shown';
  const threads = readQemuThreads(await readFiles(link.files, qemuThreadFiles(pid)), pid);
  const main = threads.find((thread) => thread.tid === pid);
  if (main === undefined) return 'its QEMU process has ended';
  const vcpus = threads.flatMap(({ role, cpus }) =>
    role.kind === 'vcpu' ? [[role.vcpu, cpus] as const] : [],
  );
  return { source: 'kernel', vcpus: new Map(vcpus), emulator: main.cpus };
}

/**
 * The process of a domain's QEMU, from the file that libvirt keeps for it: beside the system
 * socket, or below `qemu/run` beside a session's (libvirt 9.0, qemu_conf.c). Its number is the one
 * in the host's own pid namespace. Undefined where that file may not be read.
 */
async function qemuPid(link: HostLink, record: DomainRecord): Promise<number | undefined> {
  const beside = link.socket === undefined ? [] : [dirname(link.socket)];
  const folders = [
    ...beside.flatMap((at) => [`${at}/qemu/run`, `${at}/qemu`]),
    '/run/libvirt/qemu',
  ];
  for (const folder of folders) {
    const pid = Number(await readText(link.files, `${folder}/${basename(record.name)}.pid`));
    if (Number.isSafeInteger(pid) && pid > 0 && (await runsDomain(link, pid, record.uuid))) {
      return pid;
    }
  }
  return undefined;
}

/** A pid file can outlive its process, and another daemon may have a domain of the same name. */
async function runsDomain(link: HostLink, pid: number, uuid: string): Promise<boolean> {
  const words = (await readText(link.files, `/proc/${pid}/cmdline`))?.split('\0') ?? [];
  return words[words.indexOf('-uuid') + 1] === uuid;
}
