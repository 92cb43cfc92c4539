import assert from 'node:assert/strict';
import { XmlDocument as Libxml2Document } from 'libxml2-wasm';
import { isBerthError } from '../../src/base/errors.ts';
import { parseXml, writeXml } from '../../src/xml/index.ts';

/** Why libxml2, the parser inside libvirt, refuses a text; undefined when it does not. */
export function libxml2Refusal(xml: string): string | undefined {
  try {
    Libxml2Document.fromString(xml).dispose();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/**
 * Why we refuse a text; undefined when it is read, and then it must come back whole. A refusal that
 * is not one of the two that parsing has, or without a place in the text, fails the test.
 */
export function ourRefusal(xml: string): string | undefined {
  try {
    assert.equal(writeXml(parseXml(xml, 'damaged')), xml);
    return undefined;
  } catch (error) {
    if (isBerthError(error, 'BERTH_TOO_LARGE')) return error.message;
    if (!isBerthError(error, 'BERTH_XML_INVALID')) throw error;
    const lines = xml.split(/\r\n|\r|\n/);
    const { line, column } = error.data;
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    const width = Array.from(lines[line - 1] ?? '').length;
    assert.ok(column >= 1 && column <= width + 2, `column ${column} of ${width}`);
    return error.message;
  }
}

/** True where the two are known to differ, so that neither can be held against the other. */
export function isIncomparable(ours: string | undefined, theirs: string | undefined): boolean {
  // libxml2 puts up with a version such as "1.", which XML 1.0 does not have; and it remarks on
  // namespaces that are no URIs, which libvirt does not mind.
  return (
    ours?.includes('version number') === true || theirs?.includes('is not a valid URI') === true
  );
}
