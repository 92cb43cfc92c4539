import type { Command } from 'commander';
import { Option } from 'commander';
import { VM_STATES } from '../../model/host.ts';
import { VM_SORTS } from '../../api/vm-sort.ts';
import type { VmSort } from '../../api/vm-sort.ts';
import type { OperationView, VmView } from '../../api/resources.ts';
import type { VmDocument } from '../../api/vm-spec.ts';
import { berthError, isBerthError } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import type { VmFlags } from '../vm-flags.ts';
import { branch, leaf } from './leaf.ts';

interface CreateFlags extends VmFlags {
  readonly file?: string;
  /** False with --no-start. */
  readonly start: boolean;
  readonly printSpec?: true;
}

interface ListFlags {
  /** A label selector. */
  readonly label?: string;
  readonly host?: string;
  readonly state?: string;
  readonly name?: string;
  readonly managed?: true;
  readonly sort?: VmSort;
}

/** `vm create|ls|show`; returns the group for the commands that act on one VM. */
export function registerVm(program: Command, session: Session): Command {
  const vm = branch(program, 'vm', 'The virtual machines');
  addCreate(vm).action(async (name: string | undefined, flags: CreateFlags) =>
    createVms(session, name, flags),
  );
  addList(vm).action(async (flags: ListFlags) => listVms(session, flags));
  leaf(vm, 'show <name>', {
    does: 'Show where a VM sits, its vCPUs and memory, and whether that is as planned',
    examples: [
      ['berth vm show hello', 'what a person wants to know'],
      ["berth vm show hello --json | jq '.placement.vcpus'", 'the pCPUs of each vCPU'],
    ],
  }).action(async (name: string) => showVm(session, name));
  return vm;
}

function addList(vm: Command): Command {
  const list = leaf(vm, 'ls', {
    does: 'List the VMs of every host, or those that are asked for',
    examples: [
      ['berth vm ls', 'every VM'],
      ['berth vm ls -l app=db,tier!=web --state running', 'by label and state'],
      ['berth vm ls --host kvm1 --sort memory', 'on one host, the smallest first'],
      ['berth vm ls --json | jq -r \'.vms[] | select(.state=="running").name\'', 'who runs'],
    ],
  });
  return list
    .option('-l, --label <selector>', 'conditions on labels, such as app=db,tier!=web,!gpu')
    .option('--host <name>', 'only on this host')
    .addOption(new Option('--state <state>', 'only in this state').choices(VM_STATES))
    .option('--name <text>', 'a part of the name; or all of it, with * and ?')
    .option('--managed', 'only those that Berth made')
    .addOption(new Option('--sort <by>', 'in which order').choices(VM_SORTS));
}

/** The flags of a VM that `vm set` can change too. */
export function addSizeFlags(command: Command): Command {
  const choice = (flags: string, text: string, words: readonly string[]): Option =>
    new Option(flags, text).choices(words);
  return command
    .option('--cpus <count>', 'vCPUs')
    .option('--memory <size>', 'memory, such as 2GiB')
    .addOption(
      choice('--policy <policy>', 'vCPUs float or own pCPUs', ['shared', 'dedicated', 'mixed']),
    )
    .option('--dedicated-vcpus <list>', 'vCPUs of a mixed guest with a pCPU each, such as 0-3')
    .addOption(choice('--threads <policy>', 'SMT siblings', ['prefer', 'isolate', 'require']))
    .addOption(choice('--emulator <where>', 'threads of QEMU itself', ['share', 'isolate']))
    .option('--model <model>', 'CPU model, such as host-passthrough')
    .option('--cpuset <list>', 'the only pCPUs to use, such as 0-3,8')
    .addOption(choice('--pages <size>', 'page size', ['4KiB', '2MiB', '1GiB']))
    .option('--cells <count>', 'guest cells: auto, none or a number')
    .option('--nodeset <list>', 'host cells that memory may come from')
    .addOption(
      choice('--numa-policy <policy>', 'how memory is bound to cells', [
        'strict',
        'preferred',
        'interleave',
        'restrictive',
      ]),
    )
    .option('--kernel <path>', 'kernel on the host to boot directly')
    .option('--initrd <path>', 'initial RAM disk for the kernel')
    .option('--cmdline <text>', "the kernel's command line");
}

function addCreate(vm: Command): Command {
  const create = leaf(vm, 'create [name]', {
    does: 'Place a VM on the best host, make it there and start it',
    examples: [
      ['berth vm create -f db1.yaml', 'from a spec file'],
      ['berth vm create web --cpus 2 --memory 2GiB --disk name=root,size=10GiB', 'from flags'],
      ['berth vm create db --cpus 4 --memory 8GiB --policy dedicated --pages 2MiB', 'pinned'],
      ['berth vm create web --cpus 2 --memory 2GiB --print-spec > web.yaml', 'flags to a file'],
    ],
  });
  const many = (value: string, before: readonly string[] | undefined): readonly string[] => [
    ...(before ?? []),
    value,
  ];
  create.option('-f, --file <file>', 'spec file with one or more VMs; - reads standard input');
  return addSizeFlags(create)
    .option('--disk <fields>', 'name=…,image=…,size=… (again for more)', many)
    .option('--nic <fields>', 'user, network=… or bridge=… (again for more)', many)
    .option('--label <key=value>', 'label (again for more)', many)
    .option('--host <name>', 'allow only this host (again for more)', many)
    .option('--no-start', 'make it, but leave it off')
    .option('--print-spec', 'print the spec that the flags make, and do nothing');
}

async function createVms(
  session: Session,
  name: string | undefined,
  { file, start, printSpec, ...flags }: CreateFlags,
): Promise<void> {
  const { documentsToCreate } = await import('../vm-request.ts');
  const documents = await documentsToCreate(session, { name, file, flags });
  if (printSpec === true) return printSpecs(session, documents);
  const made: VmView[] = [];
  for (const document of documents) {
    if (session.ports.signal.aborted) break;
    const vm = await createVm(session, document, start);
    made.push(vm);
    if (!session.json) await session.print(await createdText(vm));
  }
  if (made.length === 0) throw berthError('BERTH_INTERRUPTED', { what: 'vm create' });
  if (made.length < documents.length) {
    const { name: next } = documents[made.length]?.metadata ?? { name: 'the rest' };
    await session.note(
      `stopped before ${next}: ${made.length} of ${documents.length} VMs are made`,
    );
    session.status = 130;
  }
  if (session.json) {
    await session.answer(documents.length === 1 ? made[0] : { vms: made }, () => '');
  }
}

async function createVm(session: Session, document: VmDocument, start: boolean): Promise<VmView> {
  const { followOperation } = await import('../follow-operation.ts');
  const client = await session.client();
  // Not cut off by the first Ctrl-C: without the answer nobody could tell what has been begun.
  const operation = await client.createVm(document, { start }, session.ports.leave);
  await followOperation(session, operation);
  return client.vm(operation.vm, session.ports.leave);
}

async function createdText(view: VmView): Promise<string> {
  const { printable } = await import('../printable.ts');
  const { formatIntSet } = await import('../../base/int-set.ts');
  const vm = printable(view);
  const cells = vm.cells.length === 0 ? 'any cell' : `cell ${formatIntSet(vm.cells)}`;
  const checked = vm.verified?.ok === true ? ', verified' : '';
  return `${vm.name} is ${vm.state} on ${vm.host}, ${cells}${checked}\n`;
}

async function printSpecs(session: Session, documents: readonly VmDocument[]): Promise<void> {
  const [only] = documents;
  await session.answer(documents.length === 1 ? only : { specs: documents }, async () => {
    const { stringify } = await import('yaml');
    return documents.map((document) => stringify(document)).join('---\n');
  });
}

async function listVms(session: Session, { label, ...flags }: ListFlags): Promise<void> {
  const filter = { ...flags, ...(label === undefined ? {} : { labels: label }) };
  const vms = await (await session.client()).vms(filter, session.ports.signal);
  await session.answer({ vms }, async () => {
    if (vms.length === 0 && Object.keys(filter).length > 0) return 'no VM is as asked for\n';
    const { vmTable } = await import('../vm-table.ts');
    return `${vmTable(vms, session.out).join('\n')}\n`;
  });
}

async function showVm(session: Session, name: string): Promise<void> {
  const client = await session.client();
  const vm = await client.vm(name, session.ports.signal);
  await session.answer(vm, async () => {
    const { vmPage } = await import('../vm-page.ts');
    // The host only adds the drawing: without it the rest is still worth showing.
    const host = await client.host(vm.host, session.ports.signal).catch((error: unknown) => {
      if (isBerthError(error)) return undefined;
      throw error;
    });
    return vmPage(vm, host, session.out);
  });
}

/**
 * Follows an operation on one VM and answers with the VM as it is then.
 * @param tell what a person is told of it, ending with a line's end.
 */
export async function answerWithVm(
  session: Session,
  operation: OperationView,
  tell: (vm: VmView) => string = stateText,
): Promise<void> {
  const { followOperation } = await import('../follow-operation.ts');
  await followOperation(session, operation);
  // The first Ctrl-C has only been a question by now: the answer is still wanted.
  const vm = await vmAfter(session, operation.vm);
  if (vm === undefined) {
    const text = `${operation.vm} is gone: it had no definition that libvirt would have kept\n`;
    return session.answer({ name: operation.vm, gone: true }, () => text);
  }
  await session.answer(vm, async () => {
    const { printable } = await import('../printable.ts');
    return tell(printable(vm));
  });
}

function stateText({ name, state, host }: VmView): string {
  return `${name} is ${state} on ${host}\n`;
}

/** Undefined where nothing is left of it: a domain without a definition ends with its guest. */
async function vmAfter(session: Session, name: string): Promise<VmView | undefined> {
  try {
    return await (await session.client()).vm(name, session.ports.leave);
  } catch (error) {
    if (isBerthError(error, 'BERTH_NOT_FOUND')) return undefined;
    throw error;
  }
}
