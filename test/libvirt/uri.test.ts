import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assert as check, integer, property, string } from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { parseUri, socketCandidates, type Environment } from '../../src/libvirt/index.ts';

const ROOT: Environment = { uid: 0, home: '/root' };
const USER: Environment = { uid: 1000, home: '/home/u', runtimeDir: '/run/user/1000' };

function sockets(uri: string, environment = ROOT, readOnly = false): readonly string[] {
  return socketCandidates(parseUri(uri), environment, readOnly);
}

describe('a libvirt URI', () => {
  test('names the driver and what the daemon is asked to open', () => {
    const uri = parseUri('qemu:///system');
    assert.equal(uri.driver, 'qemu');
    assert.equal(uri.transport, 'unix');
    assert.equal(uri.host, undefined);
    assert.equal(uri.name, 'qemu:///system');
    assert.equal(parseUri('test:///default').name, 'test:///default');
  });

  test('keeps its own parameters from the daemon and passes the others on', () => {
    const uri = parseUri('qemu+unix:///system?socket=/a%20b/s&foo=1;no_verify=1');
    assert.equal(uri.name, 'qemu:///system?foo=1');
    assert.equal(uri.transportParameters.get('socket'), '/a b/s');
    assert.equal(uri.transportParameters.get('no_verify'), '1');
    assert.equal(parseUri('qemu:///system?name=test:///x').name, 'test:///x');
  });

  test('says user, host and port, with TLS where no way is named', () => {
    const uri = parseUri('qemu+ssh://ops@h1.example:2222/system');
    assert.deepEqual(
      [uri.transport, uri.user, uri.host, uri.port, uri.name],
      ['ssh', 'ops', 'h1.example', 2222, 'qemu:///system'],
    );
    assert.equal(parseUri('qemu://[fd00::1]:16514/system').host, 'fd00::1');
    assert.equal(parseUri('qemu://h1/system').transport, 'tls');
  });

  test('may leave out path and port, and write any part with percent signs', () => {
    const bare = parseUri('QEMU+TCP://h?name=test:///x&Mode=legacy&Other=1');
    assert.deepEqual(
      [bare.driver, bare.transport, bare.host, bare.path, bare.port, bare.name],
      ['qemu', 'tcp', 'h', '', undefined, 'test:///x'],
    );
    assert.equal(bare.transportParameters.get('mode'), 'legacy');
    assert.equal(parseUri('qemu:///?Other=1').name, 'qemu:///?Other=1');
    const zone = parseUri('qemu+ssh://a%40b@[fe80::1%25eth0]/system?keyfile=/k%20%26');
    assert.deepEqual([zone.user, zone.host], ['a@b', 'fe80::1%eth0']);
    assert.equal(zone.transportParameters.get('keyfile'), '/k &');
    assert.equal(parseUri('qemu:///system?no_verify').transportParameters.get('no_verify'), '');
  });

  test('made of any parts says the same parts', () => {
    const part = string({ minLength: 1, unit: 'grapheme' }).filter((one) => !/\p{Cc}/u.test(one));
    const enc = encodeURIComponent;
    check(
      property(part, part, integer({ min: 1, max: 65_535 }), part, (user, host, port, value) => {
        const text = `qemu+ssh://${enc(user)}@${enc(host)}:${port}/system?keyfile=${enc(value)}&own=${enc(value)}`;
        const uri = parseUri(text);
        assert.deepEqual([uri.user, uri.host, uri.port], [user, host, port]);
        assert.equal(uri.transportParameters.get('keyfile'), value);
        assert.equal(uri.name, `qemu:///system?own=${enc(value)}`);
      }),
    );
  });

  test('that cannot be understood is refused', () => {
    for (const text of [
      '',
      'qemu',
      '/run/libvirt/libvirt-sock',
      'qemu+pigeon:///system',
      'qemu+unix://host/system',
      'qemu+tcp://h:0/system',
      'qemu+tcp://h:65536/system',
      'qemu:///system?socket=%zz',
      'qemu+ssh://h%00/system',
      'qemu+ssh://h/system?keyfile=%0a',
      'qemu+ssh://h%0d@x/system',
      'qemu:///system\0',
      'qemu:///sys\ntem',
      'qemu:///system?x=\u001b[2J',
      'qemu:///%00system',
      `qemu:///${'x'.repeat(5000)}`,
    ]) {
      assert.throws(() => parseUri(text), isBerthErrorOf('BERTH_URI_INVALID'), text);
    }
  });

  test('without a driver is refused with the one that is meant', () => {
    for (const [text, meant] of [
      ['ssh://root@host', 'qemu+ssh://root@host/system'],
      ['SSH://root@host:2222/system', 'qemu+ssh://root@host:2222/system'],
      ['tls://[fd00::1]/system', 'qemu+tls://[fd00::1]/system'],
      ['http://x/', 'qemu+ssh://x/system'],
      ['https://x:8443/', 'qemu+ssh://x/system'],
      ['unix:///run/libvirt/libvirt-sock', 'qemu:///system'],
    ] as const) {
      assert.throws(
        () => parseUri(text),
        (error) => {
          assert.ok(isBerthError(error, 'BERTH_URI_INVALID'), text);
          assert.ok(error.message.includes(`did you mean ${meant}?`), error.message);
          return true;
        },
      );
      assert.doesNotThrow(() => parseUri(meant));
    }
  });

  test('of QEMU opens its system, its session or an embedded one, and nothing else', () => {
    for (const path of ['system', 'session', 'embed?root=/x', '?name=test:///x', 'x?name=y:///']) {
      assert.doesNotThrow(() => parseUri(`qemu:///${path}`), path);
    }
    assert.doesNotThrow(() => parseUri('test:///foo'));
    assert.throws(() => parseUri('qemu:///foo'), /the QEMU driver opens .* not \/foo/);
    assert.throws(() => parseUri('qemu+ssh://h/system/x'), isBerthErrorOf('BERTH_URI_INVALID'));
  });

  test('is shown without what a terminal would obey', () => {
    assert.throws(
      () => parseUri('qemu:///\u001b[2J'),
      (error) => error instanceof Error && !error.message.includes('\u001b'),
    );
  });

  test('of any form at all is understood or refused as BERTH_URI_INVALID', () => {
    check(
      property(string(), (text) => {
        try {
          parseUri(`qemu://${text}`);
        } catch (error) {
          assert.ok(isBerthError(error, 'BERTH_URI_INVALID'), String(error));
        }
      }),
    );
  });
});

describe('the sockets of a URI', () => {
  test("are the driver's own daemon and then the one for all", () => {
    assert.deepEqual(sockets('qemu:///system'), [
      '/run/libvirt/virtqemud-sock',
      '/run/libvirt/libvirt-sock',
    ]);
    assert.deepEqual(sockets('qemu:///system', ROOT, true), [
      '/run/libvirt/virtqemud-sock-ro',
      '/run/libvirt/libvirt-sock-ro',
    ]);
    assert.deepEqual(sockets('test:///default'), ['/run/libvirt/libvirt-sock']);
  });

  test('are one of them where the mode says so', () => {
    assert.deepEqual(sockets('qemu:///system?mode=legacy'), ['/run/libvirt/libvirt-sock']);
    assert.deepEqual(sockets('qemu:///system?mode=direct'), ['/run/libvirt/virtqemud-sock']);
    assert.throws(() => sockets('qemu:///system?mode=odd'), isBerthErrorOf('BERTH_URI_INVALID'));
  });

  test('of a session lie in the runtime directory, else in the cache', () => {
    assert.equal(sockets('qemu:///session', USER).at(-1), '/run/user/1000/libvirt/libvirt-sock');
    const bare = { uid: 1000, home: '/home/u' };
    assert.equal(sockets('qemu:///session', bare).at(-1), '/home/u/.cache/libvirt/libvirt-sock');
    const cached = { ...bare, cacheDir: '/c', runtimeDir: '' };
    assert.equal(sockets('qemu:///session', cached).at(-1), '/c/libvirt/libvirt-sock');
    assert.throws(
      () => sockets('qemu:///session', { uid: 1000 }),
      isBerthErrorOf('BERTH_UNSUPPORTED'),
    );
  });

  test('of a session are the system ones for root, as with libvirt itself', () => {
    assert.equal(sockets('qemu:///session').at(-1), '/run/libvirt/libvirt-sock');
  });

  test('of a session cannot be read-only', () => {
    assert.throws(
      () => sockets('qemu:///session', USER, true),
      isBerthErrorOf('BERTH_UNSUPPORTED'),
    );
  });

  test('may be named outright, absolute and not too long for the kernel', () => {
    assert.deepEqual(sockets('qemu:///system?socket=/x/s'), ['/x/s']);
    assert.throws(() => sockets('qemu:///system?socket=x'), isBerthErrorOf('BERTH_URI_INVALID'));
    const longest = `/${'x'.repeat(106)}`;
    assert.deepEqual(sockets(`qemu:///system?socket=${longest}`), [longest]);
    assert.throws(
      () => sockets(`qemu:///system?socket=${longest}x`),
      /path of the socket .* in bytes is 108, more than the limit of 107/,
    );
  });
});

function isBerthErrorOf(code: 'BERTH_URI_INVALID' | 'BERTH_UNSUPPORTED') {
  return (error: unknown) => isBerthError(error, code);
}
