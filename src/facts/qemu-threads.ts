import { FactTree, parseCpuList, type FactFiles } from './fact-files.ts';

/** What a thread of QEMU does, told by the name QEMU gives it. */
export type QemuThreadRole =
  | { readonly kind: 'vcpu'; readonly vcpu: number }
  | { readonly kind: 'iothread'; readonly iothread: number }
  /** Main loop, migration, VNC and other workers: what libvirt pins as the emulator. */
  | { readonly kind: 'emulator' };

/** A thread of a QEMU process, and where the kernel lets it run. */
export interface QemuThread {
  readonly tid: number;
  readonly name: string;
  readonly role: QemuThreadRole;
  /** The CPUs of its affinity, ascending. */
  readonly cpus: readonly number[];
  /** The cells its memory may come from, ascending. */
  readonly cells: readonly number[];
}

/** What to read for the threads of a process; `*` as in TOPOLOGY_FILES. */
export function qemuThreadFiles(pid: number): readonly string[] {
  return [`proc/${pid}/task/*/comm`, `proc/${pid}/task/*/status`];
}

/**
 * The threads of a QEMU process, ascending by number. A thread that ended while it was read is
 * left out.
 * @throws BERTH_FACTS_INVALID when an affinity cannot be read.
 */
export function readQemuThreads(files: FactFiles, pid: number): readonly QemuThread[] {
  const tree = new FactTree(files);
  const folder = `proc/${pid}/task`;
  return tree.numbered(folder, '').flatMap((tid) => {
    const name = tree.text(`${folder}/${tid}/comm`);
    const status = tree.text(`${folder}/${tid}/status`);
    const cpus = statusList(status, 'Cpus_allowed_list', tid);
    const cells = statusList(status, 'Mems_allowed_list', tid);
    return name === undefined || cpus === undefined || cells === undefined
      ? []
      : [{ tid, name, role: qemuThreadRole(name), cpus, cells }];
  });
}

/**
 * The role behind a thread's name, as QEMU names its threads under `debug-threads=on`, which libvirt
 * always sets. The kernel keeps 15 characters. One thread that emulates all CPUs ("ALL CPUs/TCG")
 * counts as the emulator, as libvirt can pin it no other way.
 */
export function qemuThreadRole(name: string): QemuThreadRole {
  const vcpu = /^CPU (\d{1,5})\//.exec(name)?.[1];
  if (vcpu !== undefined) return { kind: 'vcpu', vcpu: Number(vcpu) };
  const iothread = /^IO iothread(\d{1,5})$/.exec(name)?.[1];
  if (iothread !== undefined) return { kind: 'iothread', iothread: Number(iothread) };
  return { kind: 'emulator' };
}

function statusList(
  status: string | undefined,
  field: string,
  tid: number,
): readonly number[] | undefined {
  const list = new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(status ?? '')?.[1];
  return list === undefined ? undefined : parseCpuList(list, `${field} of thread ${tid}`);
}
