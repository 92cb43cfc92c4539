import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { breakHost } from './lab-break.ts';
import type { BreakFlags } from './lab-break.ts';
import { labDown, labUp } from './lab-fleet.ts';
import type { LabDownFlags, LabUpCommandFlags } from './lab-fleet.ts';
import { execInLab, listLabs } from './lab-look.ts';
import type { PictureFlags } from './lab-look.ts';
import { showMachines } from './lab-machines.ts';
import type { MachinesFlags } from './lab-machines.ts';
import { branch, leaf } from './leaf.ts';

/** `lab up|ls|exec|break|down|machines`: fleets of real hosts on this machine. */
export function registerLab(program: Command, session: Session): void {
  const lab = branch(program, 'lab', 'Fleets of real hosts on this machine, to try things on');
  addUp(lab).action(async (flags: LabUpCommandFlags) => labUp(session, flags));
  addLs(lab).action(async (name: string | undefined, flags: PictureFlags) =>
    listLabs(session, name, flags),
  );
  addExec(lab).action(async (target: string, command: readonly string[]) =>
    execInLab(session, target, command),
  );
  addBreak(lab).action(
    async (host: string | undefined, fault: readonly string[], flags: BreakFlags) =>
      breakHost(session, { host, fault, flags }),
  );
  addDown(lab).action(async (name: string | undefined, flags: LabDownFlags) =>
    labDown(session, name, flags),
  );
  addMachines(lab).action(async (word: string | undefined, flags: MachinesFlags) =>
    showMachines(session, word, flags),
  );
}

function addUp(lab: Command): Command {
  const many = (value: string, before: readonly string[] | undefined): readonly string[] => [
    ...(before ?? []),
    value,
  ];
  return leaf(lab, 'up', {
    does: 'Make a lab: hosts with a libvirtd each, on a network of their own',
    examples: [
      ['berth lab up --hosts 3', 'three hosts, named lab-1 to lab-3, that show this machine'],
      ['berth lab up --hosts 6 --machine epyc-7763-2s --machine altra-q80', 'three of each'],
      ['berth lab up --machine sockets=2,cores=8,memory=16GiB', 'a machine in your words'],
      ['berth lab up --hosts 4 --name rack --add', 'a second lab, its hosts added to the server'],
      ["berth lab up --json | jq -r '.[].uri'", 'the way in to each host, for scripts'],
    ],
  })
    .option(
      '--hosts <count>',
      'how many hosts; when not given, those that the lab has, or one for each machine, or one',
    )
    .option(
      '--machine <machine>',
      'what a host shows: a name (berth lab machines), a description, or a path; ' +
        'given again, the hosts get them in turn',
      many,
    )
    .option('--name <lab>', "the lab's name, which its hosts' names begin with", 'lab')
    .option('--disk <size>', "a file system of that size for each host's state, such as 2GiB")
    .option('--pages <count>', '2 MiB pages that this machine lends to the lab until it ends')
    .option('--add', 'add each host to the running server')
    .option('-y, --yes', 'install what is needed without asking')
    .option('--verbose', 'show every detail as a line of its own');
}

function addLs(lab: Command): Command {
  return leaf(lab, 'ls [lab]', {
    does: 'Draw the labs: networks, hosts with the way in, and what machines they show',
    examples: [
      ['berth lab ls', 'every lab'],
      ['berth lab ls rack --ascii', 'one lab, without line-drawing characters'],
      ["berth lab ls --json | jq -r '.[].name'", 'names of hosts, for scripts'],
    ],
  }).option('--ascii', 'draw with + - | instead of lines');
}

function addExec(lab: Command): Command {
  return leaf(lab, 'exec <target> [command...]', {
    does: "Run a command on a host, or on a lab's network, and end as it ends",
    examples: [
      ['berth lab exec lab-1', 'a shell on the host'],
      ['berth lab exec lab-1 -- virsh list --all', 'what follows -- is the command'],
      ['berth lab exec lab -- ping -c 1 lab-2', "on the network that the lab's hosts share"],
    ],
  });
}

function addBreak(lab: Command): Command {
  return leaf(lab, 'break [host] [fault...]', {
    does: 'Break a host in a way that real hosts break, or mend it',
    examples: [
      ['berth lab break --list', 'every fault, and what it does'],
      ['berth lab break lab-1 network-delay 200', 'every frame comes 200 ms late, each way'],
      ['berth lab break lab-1 --mend', 'take all of them back; name one to take back that one'],
    ],
  })
    .option('--mend [fault]', 'take a fault back, or all of them')
    .option('--list', 'list the faults');
}

function addDown(lab: Command): Command {
  return leaf(lab, 'down [lab]', {
    does: 'End a lab and remove all that it is, guests included',
    examples: [
      ['berth lab down', 'the lab called lab, or the only one there is'],
      ['berth lab down rack', 'that one'],
      ['berth lab down --all', 'every lab'],
    ],
  })
    .option('--all', 'every lab')
    .option('--verbose', 'show every detail as a line of its own');
}

function addMachines(lab: Command): Command {
  return leaf(lab, 'machines [machine]', {
    does: 'List the machines that hosts can show, or draw one by its name or description',
    examples: [
      ['berth lab machines', 'a line for each'],
      ['berth lab machines epyc-7763-2s-nps4', 'packages, cells, cores and memory of one, drawn'],
      ['berth lab machines --keys', 'what a description is made of'],
      ['berth lab machines sockets=2,cells=2,cores=8,memory=16GiB', 'what a description means'],
      ["berth lab machines --json | jq -r '.[].name'", 'names, for scripts'],
    ],
  })
    .option('--keys', 'list the keys of a description')
    .option('--ascii', 'draw with + - | instead of lines');
}
