import type { Command } from 'commander';
import { berthError, ERRORS } from '../../base/errors.ts';
import type { Session } from '../session.ts';
import type { XmlCheck } from '../xml-check.ts';
import { branch, leaf } from './leaf.ts';

/** `xml`: libvirt XML that people write by hand, checked and edited. */
export function registerXml(program: Command, session: Session): void {
  const xml = branch(program, 'xml', 'Check and edit files of libvirt XML');
  leaf(xml, 'check <files...>', {
    does: 'Say whether files of libvirt XML are well-formed, valid, and kept as they are by an edit',
    examples: [
      ['berth xml check web1.xml net.xml', 'a line for each; exit code 2 when one is wrong'],
      ['virsh dumpxml web1 | berth xml check -', 'what libvirt writes'],
      ["berth xml check *.xml --json | jq '.[] | select(.valid == false)'", 'for scripts'],
    ],
  })
    .option('--schemas <folder>', "where libvirt's RELAX NG schemas are, if not where it puts them")
    .action(async (files: readonly string[], flags: { readonly schemas?: string }) =>
      check(session, files, flags.schemas),
    );
  leaf(xml, 'set <file> <xpath> <value>', {
    does: 'Print a file with the text of one element, or one attribute, changed',
    examples: [
      ['berth xml set web1.xml /domain/vcpu 4', 'every other byte stays'],
      [
        'berth xml set web1.xml "//disk[target/@dev=\'vdb\']/source/@file" /new.qcow2',
        'by content',
      ],
      ['berth xml set --add web1.xml /domain/vcpu/@cpuset 4-7', 'also where there is none yet'],
      ['virsh dumpxml web1 | berth xml set - /domain/name web2', 'reads standard input'],
    ],
  })
    .option('--add', 'add the attribute when the element does not have it')
    .action(async (file: string, xpath: string, value: string, flags: { readonly add?: true }) =>
      set(session, [file, xpath, value], flags.add === true),
    );
}

async function check(
  session: Session,
  files: readonly string[],
  folder: string | undefined,
): Promise<void> {
  refuseTwiceInput(files);
  const { LibvirtSchemas } = await import('../libvirt-schemas.ts');
  const { checkXml, isGood } = await import('../xml-check.ts');
  const { readXmlBytes } = await import('../xml-source.ts');
  const schemas = new LibvirtSchemas(folder);
  const checks: XmlCheck[] = [];
  for (const file of files) {
    session.ports.signal.throwIfAborted();
    checks.push(await checkXml(file, async () => readXmlBytes(file, session), schemas));
  }
  await session.answer(checks, async () => {
    const { xmlCheckPage } = await import('../xml-check-page.ts');
    return xmlCheckPage(checks, session.out);
  });
  if (!checks.every(isGood)) session.status = ERRORS.BERTH_XML_INVALID.exit;
}

/** Standard input ends once. */
function refuseTwiceInput(files: readonly string[]): void {
  if (files.filter((file) => file === '-').length < 2) return;
  throw berthError('BERTH_USAGE', {
    problem: '- stands for standard input, which can be read once',
    usage: 'see: berth xml check --help',
  });
}

async function set(
  session: Session,
  [file, xpath, value]: readonly [file: string, xpath: string, value: string],
  add: boolean,
): Promise<void> {
  const { parseXmlBytes, readXmlBytes } = await import('../xml-source.ts');
  const { setXmlValue, writeXml } = await import('../../xml/index.ts');
  const where = file === '-' ? 'standard input' : file;
  const document = parseXmlBytes(await readXmlBytes(file, session), where);
  setXmlValue(document, xpath, value, { add });
  const text = writeXml(document);
  // A value may hold what the encoding that the document declares does not have.
  parseXmlBytes(new TextEncoder().encode(text), where);
  // The document itself, also on a terminal: what is copied from there must be what was read.
  await session.answer({ file, xml: text }, () => text);
}
