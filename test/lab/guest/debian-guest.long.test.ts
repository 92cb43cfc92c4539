import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGuestShell } from '../../../src/lab/guest/open-guest-shell.ts';
import { debianImage, labHost, labSkip } from '../lab-host.ts';
import { debianGuestXml, startGuest, until, virsh } from '../tiny-guest.ts';

const skip = await labSkip();

/** It takes 30 s alone on an idle machine. */
const BOOT = { deadlineMs: 240_000 };
const WAIT = { deadlineMs: 120_000 };

test(
  'the small real guest boots a whole Debian, with a shell, an address and an agent',
  { skip, timeout: 900_000 },
  async (t) => {
    const lab = await labHost();
    const image = await debianImage(lab, 'debian');
    await startGuest(lab, 'debian', debianGuestXml(image, 'debian'));
    t.after(async () => virsh(lab.uri, 'destroy', 'debian').catch(() => undefined));
    await using shell = await openGuestShell({ uri: lab.uri, guest: 'debian' }, BOOT);
    const { output: release } = await shell.run(['cat', '/etc/os-release'], WAIT);
    assert.match(release, /^VERSION_CODENAME=bookworm$/m);
    const booted = await shell.run(['systemctl', 'is-system-running', '--wait'], WAIT);
    assert.equal(booted.output, 'running\n', 'no unit has failed');
    assert.equal((await shell.run(['hostname'], WAIT)).output, 'debian\n');
    const bash = await shell.run(
      ['bash', '-c', 'echo "${BASH_VERSION%%.*} $0" "$@"', 'x', 'a b'],
      WAIT,
    );
    assert.equal(bash.output, '5 x a b\n');
    const stubborn = shell.script("trap '' INT TERM; sleep 1000", { deadlineMs: 3000 });
    await assert.rejects(stubborn, { code: 'BERTH_DEADLINE' });
    const { output: numbers } = await shell.script('seq 1 10000', WAIT);
    assert.equal(numbers.split('\n').length, 10_001);
    const { output: free } = await shell.script('df -k / | tail -n 1', WAIT);
    assert.ok(Number(free.split(/\s+/)[2]) < 400_000, `it takes little space: ${free}`);

    const ping = ['qemu-agent-command', 'debian', '{"execute":"guest-ping"}'] as const;
    await until('the agent', WAIT.deadlineMs, async () =>
      virsh(lab.uri, ...ping).then(
        (answer) => answer === '{"return":{}}',
        () => false,
      ),
    );
    const addresses = await virsh(lab.uri, 'domifaddr', 'debian', '--source', 'agent');
    assert.match(addresses, /eth0 .* 10\.0\.2\.15\/24/);
    await virsh(lab.uri, 'shutdown', 'debian', '--mode', 'acpi');
    await until(
      'the end of the guest',
      WAIT.deadlineMs,
      async () => !(await virsh(lab.uri, 'list', '--name')).split('\n').includes('debian'),
    );
  },
);
