import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printableText } from './printable.ts';
import type { XmlCheck } from './xml-check.ts';

/** A line for each file, places as compilers write them: `web1.xml:12:3: …`. */
export function xmlCheckPage(checks: readonly XmlCheck[], look: Look): string {
  return checks.map((check) => `${checkLine(check, look)}\n`).join('');
}

function checkLine(check: XmlCheck, look: Look): string {
  const c = painter(look);
  const named = check.file === '-' ? 'standard input' : check.file;
  const file = named === '' ? "''" : printableText(named);
  const { error } = check;
  if (error !== undefined) {
    const place = error.line === null ? '' : `:${error.line}:${error.column}`;
    const what = check.wellFormed === true ? `not valid by libvirt's schema` : failureOf(check);
    return `${c.red(`${file}${place}:`)} ${what}: ${printableText(error.message)}`;
  }
  const parts = [
    printableText(check.root ?? ''),
    'well-formed',
    check.identical === true ? 'written back unchanged' : c.red('not written back unchanged'),
    check.valid === null ? `not validated (${printableText(check.notValidated ?? '')})` : 'valid',
  ];
  return `${file}: ${parts.join(', ')}`;
}

/** What is in no readable file is neither well-formed nor ill-formed. */
function failureOf({ error }: XmlCheck): string {
  return error?.line === null ? 'not read' : 'not well-formed';
}
