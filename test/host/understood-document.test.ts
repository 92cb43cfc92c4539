import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVmDocument } from '../../src/api/vm-spec.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { understoodDocument } from '../../src/host/understood-document.ts';
import type { Understood } from '../../src/host/understood-document.ts';
import { parseXml, readDomain } from '../../src/xml/index.ts';
import type { DomainXml } from '../../src/xml/domain.ts';
import { domainSamples, samplesSkip } from '../xml/domain-samples.ts';

/** What a document must have, and a domain may lack. */
const MISSING = [
  'its name is none that documents can have',
  'how much memory it has',
  'memory that is not whole pages',
];

function domainOf(xml: string, name: string): DomainXml | undefined {
  try {
    const { root } = parseXml(xml, name);
    return root.name === 'domain' ? readDomain(root) : undefined;
  } catch (error) {
    assert.ok(isBerthError(error), name);
    return undefined;
  }
}

/** Volumes of others are no images: everything else of what was understood is to be a document. */
function withoutDisks({ document }: Understood): unknown {
  const { disks: _, ...spec } = document['spec'] as { disks?: unknown };
  return { ...document, spec };
}

test(
  'every recorded domain is understood: as a document, or what stands against that is told',
  { skip: samplesSkip },
  (t) => {
    let documents = 0;
    let told = 0;
    for (const { name, bytes } of domainSamples()) {
      const domain = domainOf(bytes.toString('utf8'), name);
      if (domain === undefined) continue;
      const understood = understoodDocument(domain);
      const { unknown } = understood;
      const reasons = unknown.filter((reason) => MISSING.includes(reason));
      if (reasons.length === 0) {
        assert.doesNotThrow(() => parseVmDocument(withoutDisks(understood)), name);
        documents++;
      } else {
        assert.throws(() => parseVmDocument(withoutDisks(understood)), name);
        told++;
      }
      const { disks = [] } = understood.document['spec'] as { disks?: readonly unknown[] };
      const places = unknown.filter((reason) => reason.startsWith('disk '));
      assert.ok(places.length >= disks.length, `${name}: where each disk is, is told`);
    }
    t.diagnostic(`${documents} are documents, of ${told} it is told why not`);
    assert.ok(documents > 1000);
  },
);

function understood(inner: string): Understood {
  const xml = `<domain type='kvm'><name>vm</name><memory unit='MiB'>64</memory>
    <vcpu>2</vcpu><os><type machine='q35'>hvm</type></os>${inner}</domain>`;
  return understoodDocument(readDomain(parseXml(xml, 'a domain').root));
}

test('cells that documents cannot have are told, and left out', () => {
  const cell = (cpus: string, memory: number): string =>
    `<cell id='0' cpus='${cpus}' memory='${memory}' unit='KiB'/>`;
  const cells = (inner: string): Understood => understood(`<cpu><numa>${inner}</numa></cpu>`);
  assert.deepEqual(cells(cell('0-1', 65536)).unknown, []);
  assert.deepEqual(cells(cell('0', 65536)).unknown, [
    'guest cells that do not hold each vCPU once',
  ]);
  assert.deepEqual(cells(cell('0-1', 4096)).unknown, [
    'guest cells that do not hold all of its memory',
  ]);
  for (const { document } of [cells(cell('0-1', 65536)), cells(cell('0', 65536))]) {
    assert.equal(parseVmDocument(document).cpu.count, 2);
  }
});

test('network interfaces that documents cannot have are told, and left out', () => {
  const nic = "<interface type='network'><source network='my net'/></interface>";
  const named = understood(`<devices>${nic}</devices>`);
  assert.deepEqual(named.unknown, ['network interface on network my net']);
  const user = "<interface type='user'/>".repeat(18);
  const many = understood(`<devices>${user}</devices>`);
  assert.deepEqual(many.unknown, ['2 more network interfaces']);
  assert.equal(parseVmDocument(many.document).nics.length, 16);
});
