import { z } from 'zod';
import { parseDuration } from '../base/duration.ts';
import { parseIntSet } from '../base/int-set.ts';
import { parseSize } from '../base/units.ts';
import { coded } from './schema-error.ts';

/**
 * The values that VM documents are made of. Editors are told their form by a pattern; what is wrong
 * with one, and what else may be, only the readers of `base` say.
 */

/** A size in bytes. */
export const sizeText = z
  .string()
  .meta({
    pattern: String.raw`^\d{1,15}(\.\d{1,6})? ?(B|KiB|MiB|GiB|TiB)$`,
    examples: ['512MiB', '32GiB'],
  })
  .transform((text, context) => coded(context, () => parseSize(text, '')));

/** Numbers of CPUs or of cells. */
export const cpuList = z
  .union([
    z.string().meta({
      pattern: String.raw`^(\s*|\s*\^?\d{1,5}(-\d{1,5})?\s*(,\s*\^?\d{1,5}(-\d{1,5})?\s*)*)$`,
      examples: ['0-3,8,^2'],
    }),
    z.number().int().nonnegative(),
  ])
  .transform((text, context) => coded(context, () => parseIntSet(String(text), '')));

/** A length of time in milliseconds. */
export const durationText = z
  .string()
  .meta({ pattern: String.raw`^\d{1,9}(s|m|h|d)$`, examples: ['90s', '6h', '2d'] })
  .transform((text, context) => coded(context, () => parseDuration(text, '')));

/** Absolute paths on the host; no line breaks, so that they can stand in XML and messages. */
export const hostPath = z
  .string()
  .max(4096)
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
  .regex(/^\/[^\u0000-\u001f]*$/, 'must be an absolute path on the host');

/** Names that people give: keys of labels, hosts, networks, pools. */
export const plainWord = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,62})$/, 'must be a plain word');
