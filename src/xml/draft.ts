import { checkName, spellText } from './spelling.ts';

/** An element that is not part of a document yet: a plain value, without white space or quotes. */
export interface ElementDraft {
  readonly kind: 'draft';
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly content: readonly (ElementDraft | string)[];
}

/** Values of a draft's attributes; an undefined one is left out. */
export type DraftAttributes = Readonly<Record<string, string | number | undefined>>;

/** What a draft may hold; undefined is left out, so that a condition can stand in the list. */
export type DraftContent = ElementDraft | string | number | undefined;

/**
 * Describes a new element: `el('memory', { unit: 'KiB' }, 1024)`. Where it is put decides how it is
 * indented and quoted, so one draft can be used many times.
 * @throws BERTH_SPEC_INVALID for a name or a character that XML does not have.
 */
export function el(
  name: string,
  attributes: DraftAttributes = {},
  ...content: readonly DraftContent[]
): ElementDraft {
  checkName(name, 'an element');
  return {
    kind: 'draft',
    name,
    attributes: Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [checkedAttribute(name, key, `${value}`)],
    ),
    content: content.flatMap((part) => (part === undefined ? [] : [checkedContent(name, part)])),
  };
}

function checkedAttribute(element: string, name: string, value: string): readonly [string, string] {
  checkName(name, `an attribute of <${element}>`);
  spellText(value, `${name} of <${element}>`);
  return [name, value];
}

function checkedContent(
  element: string,
  part: ElementDraft | string | number,
): ElementDraft | string {
  if (typeof part === 'object') return part;
  spellText(`${part}`, `<${element}>`);
  return `${part}`;
}
