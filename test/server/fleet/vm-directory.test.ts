import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainRecord } from '../../../src/host/domain-record.ts';
import type { DomainRecord } from '../../../src/host/domain-record.ts';
import { VmDirectory } from '../../../src/server/fleet/vm-directory.ts';

function record(uuid: string, name: string): DomainRecord {
  return domainRecord(`<domain><name>${name}</name><uuid>${uuid}</uuid></domain>`, 'shutoff');
}

/** A host that tells the directory of each domain. */
class Home {
  readonly #records = new Map<string, DomainRecord>();
  readonly #directory: VmDirectory<Home>;

  readonly name: string;

  constructor(directory: VmDirectory<Home>, name = 'h1') {
    this.name = name;
    this.#directory = directory;
  }

  record(uuid: string): DomainRecord | undefined {
    return this.#records.get(uuid);
  }

  set(uuid: string, name?: string): void {
    const before = this.#records.get(uuid);
    const after = name === undefined ? undefined : record(uuid, name);
    if (after === undefined) this.#records.delete(uuid);
    else this.#records.set(uuid, after);
    this.#directory.change(this, before, after);
  }
}

test('a domain is found by name and by UUID, wherever it is, until it is gone', () => {
  const directory = new VmDirectory<Home>();
  const [one, two] = [new Home(directory), new Home(directory)];
  const hosts = (name: string) => directory.find(name).map(({ mirror }) => mirror);
  one.set('u1', 'web');
  assert.deepEqual(hosts('web'), [one]);
  assert.deepEqual(hosts('u1'), [one]);
  two.set('u2', 'web');
  assert.deepEqual(hosts('web'), [one, two]);
  one.set('u1', 'db'); // renamed
  assert.deepEqual(hosts('web'), [two]);
  assert.deepEqual(hosts('db'), [one]);
  two.set('u1', 'db'); // being moved: both hosts show it
  assert.deepEqual(hosts('db'), [one, two]);
  one.set('u1');
  assert.deepEqual(hosts('db'), [two]);
  two.set('u1');
  two.set('u2');
  assert.deepEqual([hosts('db'), hosts('u1'), hosts('web')], [[], [], []]);
});

test('of many names those are told that begin like the one that is not known', () => {
  const directory = new VmDirectory<Home>();
  const home = new Home(directory);
  home.set('u', 'web');
  assert.deepEqual(directory.namesLike('nothing'), ['web']);
  for (let index = 0; index < 1000; index++) {
    home.set(`u${index}`, `${index % 2 === 0 ? 'db' : 'cache'}-${index}`);
  }
  const like = directory.namesLike('dB-7'.toLowerCase());
  assert.ok(like.length > 0 && like.length <= 200);
  assert.ok(like.every((name) => name.startsWith('db')));
  assert.ok(directory.namesLike('zz').length > 0, 'it does not read as if there were none');
});

test('of domains of one name, one is chosen by its host or by its UUID', () => {
  const directory = new VmDirectory<Home>();
  const [one, two] = [new Home(directory, 'h1'), new Home(directory, 'h2')];
  one.set('u1', 'web');
  two.set('u2', 'web');
  const chosen = (name: string) => directory.choose(name).map(({ record: { uuid } }) => uuid);
  assert.deepEqual(chosen('web'), ['u1', 'u2']);
  assert.deepEqual(chosen('h1/web'), ['u1']);
  assert.deepEqual(chosen('h2/web'), ['u2']);
  assert.deepEqual(chosen('u2'), ['u2']);
  assert.deepEqual(chosen('h1/u2'), []);
  assert.deepEqual(chosen('h3/web'), []);
});
