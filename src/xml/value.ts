import { berthError, isBerthError } from '../base/errors.ts';
import { parseIntSet } from '../base/int-set.ts';
import type { XmlElement } from './element.ts';

/** The text of an element, undefined when the element is absent or empty. */
export function textOf(element: XmlElement | undefined): string | undefined {
  const text = element?.text.trim();
  return text === '' ? undefined : text;
}

/**
 * An element's text as a whole number from 0 to 2^53 - 1, decimal or (with 0x) hexadecimal.
 * @throws BERTH_SPEC_INVALID with the element's place when it is something else.
 */
export function integerOf(element: XmlElement | undefined): number | undefined {
  const text = textOf(element);
  return element === undefined || text === undefined
    ? undefined
    : parseInteger(text, element, `<${element.name}>`);
}

/** As `integerOf`, for an attribute. */
export function integerAttribute(
  element: XmlElement | undefined,
  name: string,
): number | undefined {
  const text = element?.attribute(name)?.trim();
  return element === undefined || text === undefined || text === ''
    ? undefined
    : parseInteger(text, element, `${name} of <${element.name}>`);
}

/** As `integerOf`, for something that may be below zero, such as a quota of -1. */
export function signedIntegerOf(element: XmlElement | undefined): number | undefined {
  const text = textOf(element);
  if (element === undefined || text === undefined) return undefined;
  return text.startsWith('-')
    ? -parseInteger(text.slice(1), element, `<${element.name}>`)
    : parseInteger(text, element, `<${element.name}>`);
}

/** As `signedIntegerOf`, for an attribute, such as a port of -1. */
export function signedIntegerAttribute(
  element: XmlElement | undefined,
  name: string,
): number | undefined {
  const text = element?.attribute(name)?.trim();
  if (element === undefined || text === undefined || !text.startsWith('-')) {
    return integerAttribute(element, name);
  }
  return -parseInteger(text.slice(1), element, `${name} of <${element.name}>`);
}

/**
 * A list of CPUs or cells in an attribute, ascending.
 * @throws BERTH_SPEC_INVALID with the element's place when it is something else.
 */
export function intSetAttribute(
  element: XmlElement | undefined,
  name: string,
): readonly number[] | undefined {
  const text = element?.attribute(name);
  if (element === undefined || text === undefined) return undefined;
  return placedIntSet(text, element, `${name} of <${element.name}>`);
}

/** As `intSetAttribute`, for an element's text. */
export function intSetOf(element: XmlElement | undefined): readonly number[] | undefined {
  const text = textOf(element);
  if (element === undefined || text === undefined) return undefined;
  return placedIntSet(text, element, `<${element.name}>`);
}

function placedIntSet(text: string, element: XmlElement, what: string): readonly number[] {
  try {
    return parseIntSet(text, what);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_SPEC_INVALID')) throw error;
    refuseValue(element, `${what}: ${error.data.problem}`, error.data.expected);
  }
}

/** libvirt's yes and no, also on and off; undefined when the attribute is absent or another word. */
export function flagAttribute(element: XmlElement | undefined, name: string): boolean | undefined {
  const word = element?.attribute(name);
  if (word === 'yes' || word === 'on') return true;
  return word === 'no' || word === 'off' ? false : undefined;
}

/**
 * An element's text as bytes. Its `unit` is read as libvirt's virScaleInteger does: letters alone and
 * those with `iB` are powers of 1024, those with `B` powers of 1000, case does not matter.
 * @param unit what holds where the element has no unit: KiB for memory, bytes for volumes.
 * @throws BERTH_SPEC_INVALID for an unknown unit, BERTH_RANGE beyond 2^53 - 1.
 */
export function bytesOf(
  element: XmlElement | undefined,
  unit: 'KiB' | 'bytes' = 'KiB',
): number | undefined {
  const count = integerOf(element);
  if (element === undefined || count === undefined) return undefined;
  return scaled(count, element, element.attribute('unit') ?? unit);
}

/** As `bytesOf`, for a number and its unit in two attributes. */
export function bytesAttribute(
  element: XmlElement | undefined,
  name: string,
  unitName = 'unit',
  unit: 'KiB' | 'bytes' = 'KiB',
): number | undefined {
  const count = integerAttribute(element, name);
  if (element === undefined || count === undefined) return undefined;
  return scaled(count, element, element.attribute(unitName) ?? unit);
}

/**
 * Freezes a plain value that was just read through and through, and detaches its strings from the
 * document they were cut from.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const parts = value as Record<string, unknown>; // arrays as well: their keys are indexes
  for (const [key, part] of Object.entries(parts)) {
    parts[key] = typeof part === 'string' ? detached(part) : frozen(part);
  }
  return Object.freeze(value);
}

/** Refuses an element's content, naming its place in the text that was parsed. */
export function refuseValue(element: XmlElement, problem: string, expected: string): never {
  const { where, ...place } = element.place ?? { where: `<${element.name}>` };
  throw berthError('BERTH_SPEC_INVALID', { where, problem, expected, ...place });
}

/** Shorter pieces are copied by V8 itself (SlicedString::kMinLength). */
const SLICE_CHARS_MIN = 13;

/**
 * The same text in memory of its own. V8 keeps the whole text alive for a piece cut out of it: one
 * path kept for long would keep a document of megabytes.
 */
function detached(text: string): string {
  if (text.length < SLICE_CHARS_MIN) return text;
  return JSON.parse(JSON.stringify(text)) as string;
}

function parseInteger(text: string, element: XmlElement, what: string): number {
  const number = /^(?:\d{1,20}|0[xX][\da-fA-F]{1,16})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    refuseValue(element, `${what} is "${text}"`, 'a whole number up to 2^53 - 1');
  }
  return number;
}

function scaled(count: number, element: XmlElement, unit: string): number {
  const match = /^(?:(b|bytes)|([kmgtpe])(ib|b)?)$/i.exec(unit.trim());
  if (match === null) {
    refuseValue(element, `"${unit}" is no unit of size`, 'one such as KiB, MiB or GiB');
  }
  const power = match[1] === undefined ? 'kmgtpe'.indexOf(match[2]?.toLowerCase() ?? '') + 1 : 0;
  const bytes = count * (match[3]?.toLowerCase() === 'b' ? 1000 : 1024) ** power;
  if (Number.isSafeInteger(bytes)) return bytes;
  const what = `${placed(element)}<${element.name}>`;
  throw berthError('BERTH_RANGE', { what, value: `${count} ${unit}` });
}

function placed(element: XmlElement): string {
  const { place } = element;
  return place === undefined ? '' : `${place.where}:${place.line}:${place.column}: `;
}
