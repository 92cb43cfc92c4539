import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { el, parseXml, readDomain, writeXml } from '../../src/xml/index.ts';

/** What the slowest machine needs by far; where time grows with the square it is minutes. */
const SECONDS_MAX = 10;

const PINS = 20_000;
const DISKS = 20_000;

/** A domain of some megabytes on one line, as a program that minds bytes would write it. */
function oneLine(): string {
  const pins = Array.from({ length: PINS }, (_, i) => `<vcpupin vcpu='${i}' cpuset='0-3,${i}'/>`);
  const disks = Array.from(
    { length: DISKS },
    (_, i) => `<disk type='file'><source file='/images/${i}.img'/><target dev='d${i}'/></disk>`,
  );
  const tune = `<cputune>${pins.join('')}</cputune>`;
  return `<domain type='kvm'><name>big</name>${tune}<devices>${disks.join('')}</devices></domain>`;
}

function seconds(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}

test('a document of megabytes on one line is read and edited in time that grows with its size', () => {
  const text = oneLine();
  const { root } = parseXml(text, 'test');
  const reading = seconds(() => assert.equal(readDomain(root).cpuTune?.vcpuPins.length, PINS));
  const devices = root.find('devices');
  const editing = seconds(() => {
    for (let i = 0; i < 100; i++) devices?.append(el('hub', { type: 'usb' }));
  });
  assert.ok(reading < SECONDS_MAX, `reading took ${reading} s`);
  assert.ok(editing < SECONDS_MAX, `editing took ${editing} s`);
  const hubs = "<hub type='usb'/>".repeat(100);
  assert.equal(writeXml(root), text.replace('</devices>', `${hubs}</devices>`));
});

test('an edit below thousands of namespaces on many levels takes no longer for their number', () => {
  const levels = Array.from({ length: 250 }, (_, level) => {
    const own = Array.from({ length: 40 }, (_, i) => ` xmlns:n${level}_${i}='urn:${level}'`);
    return `<a${own.join('')}>`;
  });
  const { root } = parseXml(`${levels.join('')}${'</a>'.repeat(levels.length)}`, 'test');
  let inmost = root;
  for (let child = root.child('a'); child !== undefined; child = child.child('a')) inmost = child;
  const taken = seconds(() => {
    for (let i = 0; i < 200; i++) inmost.append(el('n0_0:b'));
  });
  assert.ok(taken < SECONDS_MAX, `editing took ${taken} s`);
});

test('what was read of a document does not keep its text in memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapMb = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const read = (i: number) => {
    const name = `<name>a name longer than a pointer ${i}</name>`;
    const padding = `<!--${'x'.repeat(1_000_000)}-->`;
    return readDomain(parseXml(`<domain type='kvm'>${name}${padding}</domain>`, 'test').root);
  };
  const before = heapMb();
  const kept = Array.from({ length: 30 }, (_, i) => read(i));
  const grown = heapMb() - before;
  assert.equal(kept[29]?.name, 'a name longer than a pointer 29');
  assert.ok(grown < 10, `30 domains read from 30 MB keep ${grown} MB`);
});
