import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, describe, test, type TestContext } from 'node:test';
import {
  GUEST_OUTPUT_BYTES_MAX,
  GUEST_SCRIPT_BYTES_MAX,
  type GuestShell,
} from '../../../src/lab/guest/guest-shell.ts';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import { coded } from '../../refusal.ts';
import { agentImage, labHost, labSkip, type LabHost } from '../lab-host.ts';
import { AGENT_CHANNEL, BOOT_DEADLINE_MS, startGuest, tinyGuestXml, virsh } from '../tiny-guest.ts';

const skip = await labSkip();

/** For one command of a guest on a machine that is busy with other tests. */
const WAIT = { deadlineMs: 60_000 };
const BOOT = { deadlineMs: BOOT_DEADLINE_MS };

describe('the console of a guest', { skip, concurrency: false }, () => {
  let shared: Promise<GuestShell> | undefined;
  const sharedShell = (): Promise<GuestShell> => (shared ??= bootShared());
  after(async () => (await shared)?.close());

  test('gives what commands wrote, byte for byte, and how they ended', async () => {
    const shell = await sharedShell();
    const words = ['a b', "it's", '$HOME', '!!', '"', '\\', 'ü€', '', '-n', 'tab\there\nand line'];
    const echoed = await shell.run(['printf', '<%s>', ...words], WAIT);
    assert.equal(echoed.output, words.map((word) => `<${word}>`).join(''));
    assert.equal(echoed.status, 0);
    const mixed = await shell.script('echo out; echo err >&2; printf "no line end"; exit 7', WAIT);
    assert.deepEqual([mixed.status, mixed.output], [7, 'out\nerr\nno line end']);
    assert.deepEqual(await shell.script('', WAIT), {
      status: 0,
      output: '',
      bytes: Buffer.alloc(0),
    });
    assert.equal((await shell.run(['no-such-program'], WAIT)).status, 127);
    assert.equal((await shell.script('kill -TERM $$', WAIT)).status, 128 + 15);
    const every = await shell.script(
      `for i in $(seq 0 255); do printf "\\\\$(printf %03o $i)"; done`,
      WAIT,
    );
    assert.deepEqual(every.bytes, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    const control = `printf '\\033[6n\\033[2J{{00000000 0 0 0\\r\\n}}\\003\\004'; cat`;
    assert.equal(
      (await shell.script(control, WAIT)).output,
      '\u001b[6n\u001b[2J{{00000000 0 0 0\r\n}}\u0003\u0004',
    );
  });

  test('carries scripts and output of many lines whole', async () => {
    const shell = await sharedShell();
    const lines = Array.from({ length: 300 }, (_, line) => `echo line ${line}`);
    const { output } = await shell.script(lines.join('\n'), WAIT);
    assert.equal(output, lines.map((line) => `${line.slice('echo '.length)}\n`).join(''));
    const { bytes } = await shell.script('head -c 100000 /dev/urandom | tee /tmp/random', WAIT);
    const { output: sum } = await shell.run(['sha256sum', '/tmp/random'], WAIT);
    assert.equal(sum.split(' ')[0], createHash('sha256').update(bytes).digest('hex'));
    await assert.rejects(
      shell.script(`#${' '.repeat(GUEST_SCRIPT_BYTES_MAX)}`, WAIT),
      coded('BERTH_TOO_LARGE', /script/),
    );
    const much = shell.script(`head -c ${GUEST_OUTPUT_BYTES_MAX + 1} /dev/zero`, WAIT);
    await assert.rejects(much, coded('BERTH_TOO_LARGE', /output/));
    assert.equal((await shell.run(['echo', 'next'], WAIT)).output, 'next\n');
  });

  test('is not disturbed by the kernel, nor by what commands leave running', async () => {
    const shell = await sharedShell();
    const noise = 'while :; do echo "<1>{{noise}} on the console" >/dev/kmsg; usleep 50000; done';
    const begun = await shell.script(
      `${noise} & echo $! >/tmp/noise; (while :; do echo late; usleep 50000; done) & echo $! >>/tmp/noise; echo on`,
      WAIT,
    );
    assert.match(begun.output, /^(late\n)*on\n(late\n)*$/);
    for (let round = 0; round < 5; round++) {
      const { output } = await shell.script('seq 1 1500', WAIT);
      assert.equal(output, Array.from({ length: 1500 }, (_, i) => `${i + 1}\n`).join(''));
    }
    await shell.script('kill $(cat /tmp/noise)', WAIT);
  });

  test('runs commands in the order of the calls, each on its own', async () => {
    const shell = await sharedShell();
    const calls = Array.from({ length: 5 }, async (_, call) =>
      shell.script(`pwd; echo $left; cd /tmp; left=${call}; echo ${call} >>/tmp/calls`, WAIT),
    );
    for (const { output } of await Promise.all(calls)) assert.equal(output, '/root\n\n');
    assert.equal((await shell.run(['cat', '/tmp/calls'], WAIT)).output, '0\n1\n2\n3\n4\n');
  });

  test('comes back from a command that does not end, whatever that ignores', async () => {
    const shell = await sharedShell();
    const soon = { deadlineMs: 1500 };
    await assert.rejects(shell.run(['sleep', '1000'], soon), coded('BERTH_DEADLINE', /"sleep"/));
    const stubborn = `trap '' INT QUIT TERM HUP TSTP; sleep 1000`;
    await assert.rejects(shell.script(stubborn, soon), coded('BERTH_DEADLINE'));
    const aborter = new AbortController();
    const aborted = shell.run(['sleep', '1000'], { ...WAIT, signal: aborter.signal });
    setTimeout(() => aborter.abort(), 1000);
    await assert.rejects(aborted, coded('BERTH_INTERRUPTED'));
    assert.equal((await shell.run(['echo', 'back'], WAIT)).output, 'back\n');
    const { output } = await shell.run(['ps'], WAIT);
    assert.doesNotMatch(output, /sleep 1000/, 'nothing of them is left');
  });

  test('has one shell, from which another takes it over by force alone', async (t) => {
    const { lab, shell } = await bootedGuest(t, 'taken');
    const open = { uri: lab.uri, guest: 'taken' };
    await assert.rejects(openGuestShell(open, WAIT), coded('BERTH_BUSY', /console of taken/));
    const robbed = assert.rejects(
      shell.run(['sleep', '1000'], WAIT),
      coded('BERTH_OUTCOME_UNKNOWN', /"sleep" in guest taken/),
    );
    const second = await openGuestShell({ ...open, force: true }, WAIT);
    await robbed;
    assert.equal((await second.run(['hostname'], WAIT)).output, 'taken\n');
    await second.close();
    const third = await openGuestShell(open, WAIT);
    await third.run(['true'], WAIT);
    await third.close();
  });

  test('says so when the guest does not run, ends meanwhile, or is unknown', async (t) => {
    const { lab, shell } = await bootedGuest(t, 'mortal');
    const ended = assert.rejects(
      shell.run(['sleep', '1000'], WAIT),
      coded('BERTH_OUTCOME_UNKNOWN', /the guest ended|closed/),
    );
    await virsh(lab.uri, 'destroy', 'mortal');
    await ended;
    await assert.rejects(shell.run(['true'], WAIT), coded('BERTH_OUTCOME_UNKNOWN'));
    const gone = openGuestShell({ uri: lab.uri, guest: 'mortal' }, WAIT);
    await assert.rejects(gone, coded('BERTH_NOT_FOUND', /mortal/));
    await writeFile(`${lab.dir}/resting.xml`, tinyGuestXml(lab, 'resting'));
    await virsh(lab.uri, 'define', `${lab.dir}/resting.xml`);
    const off = openGuestShell({ uri: lab.uri, guest: 'resting' }, WAIT);
    await assert.rejects(off, coded('BERTH_CONFLICT', /resting/));
    await virsh(lab.uri, 'undefine', 'resting');
  });

  test('is waited for no longer than said', async (t) => {
    const lab = await labHost();
    await startPaused(t, lab, 'silent');
    const open = { uri: lab.uri, guest: 'silent' };
    await assert.rejects(
      openGuestShell(open, { deadlineMs: 1000 }),
      coded('BERTH_DEADLINE', /shell/),
    );
    const signal = AbortSignal.abort();
    await assert.rejects(openGuestShell(open, { ...WAIT, signal }), coded('BERTH_INTERRUPTED'));
  });
});

test('the agent of the tiny guest answers libvirt', { skip }, async (t) => {
  const { lab, shell } = await bootedGuest(t, 'agent');
  const agent = (command: string) => virsh(lab.uri, 'qemu-agent-command', 'agent', command);
  assert.equal(await agent('{"execute":"guest-ping"}'), '{"return":{}}');
  const addresses = await virsh(lab.uri, 'domifaddr', 'agent', '--source', 'agent');
  assert.match(addresses, /eth0 .* 10\.0\.2\.15\/24/);
  assert.equal((await shell.run(['modprobe', '8021q'], WAIT)).status, 0);
  const vlan = 'ip link add link eth0 name vlan7 type vlan id 7; cat /proc/net/vlan/vlan7';
  assert.match((await shell.script(vlan, WAIT)).output, /VID: 7/);
  await shell.close();
  await virsh(lab.uri, 'shutdown', 'agent', '--mode', 'agent');
  const deadline = AbortSignal.timeout(30_000);
  while ((await virsh(lab.uri, 'list', '--name')).split('\n').includes('agent')) {
    deadline.throwIfAborted();
  }
});

/** A tiny guest with an agent and a shell in it, both ended with the test. */
async function bootedGuest(
  t: TestContext,
  name: string,
): Promise<{ readonly lab: LabHost; readonly shell: GuestShell }> {
  const lab = await labHost();
  const image = await agentImage(lab);
  await startGuest(lab, name, tinyGuestXml({ ...lab, image }, name, AGENT_CHANNEL));
  t.after(async () => virsh(lab.uri, 'destroy', name).catch(() => undefined));
  const shell = await openGuestShell({ uri: lab.uri, guest: name }, BOOT);
  t.after(async () => shell.close());
  return { lab, shell };
}

/** A guest that several tests use; it ends with the host. */
async function bootShared(): Promise<GuestShell> {
  const lab = await labHost();
  await startGuest(lab, 'shared', tinyGuestXml(lab, 'shared'));
  return openGuestShell({ uri: lab.uri, guest: 'shared' }, BOOT);
}

/** A guest whose vCPU does not run. */
async function startPaused(t: TestContext, lab: LabHost, name: string): Promise<void> {
  await startGuest(lab, name, tinyGuestXml(lab, name));
  await virsh(lab.uri, 'suspend', name);
  t.after(async () => virsh(lab.uri, 'destroy', name));
}
