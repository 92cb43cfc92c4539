import type { PciFunction } from './topology.ts';

/** A domain has four digits, and up to eight where it is no segment of the firmware (VMD). */
const ADDRESS = /^[\da-f]{4,8}:[\da-f]{2}:[01][\da-f]\.[0-7]$/;

/** The fields that every function has. */
type PciField = 'address' | 'class' | 'vendor' | 'device';

interface FieldForm {
  readonly field: PciField;
  readonly form: RegExp;
  /** What the field must be, for messages. */
  readonly expected: string;
}

/** How the kernel writes each field of a function (drivers/pci/probe.c, pci-sysfs.c). */
const FIELD_FORMS: readonly FieldForm[] = [
  { field: 'address', form: ADDRESS, expected: 'an address such as 0000:3b:00.0' },
  { field: 'class', form: /^0x[\da-f]{6}$/, expected: 'a class code such as 0x020000' },
  { field: 'vendor', form: /^0x[\da-f]{4}$/, expected: 'a vendor number such as 0x8086' },
  { field: 'device', form: /^0x[\da-f]{4}$/, expected: 'a device number such as 0x1592' },
];

/** True for a text in the form of the address of a PCI function, `0000:3b:00.1`. */
export function isPciAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** A field of a PCI function that is not in the kernel's form. */
export interface MisformedField {
  readonly field: PciField;
  readonly text: string;
  /** What it must be, in words. */
  readonly expected: string;
}

/**
 * The first field of a PCI function that is not as the kernel writes it; undefined when all are.
 * Names of files are made of them, so nothing else may pass for one.
 */
export function misformedField(pci: PciFunction): MisformedField | undefined {
  const wrong = FIELD_FORMS.find(({ field, form }) => !form.test(pci[field]));
  return wrong && { field: wrong.field, text: excerpt(pci[wrong.field]), expected: wrong.expected };
}

/** How much of a text is shown in the message about it. */
const EXCERPT_CHARS = 40;

function excerpt(text: string): string {
  return text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}...` : text;
}
