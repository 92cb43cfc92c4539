/** How running guests are confined by the host's security driver. */
import { bool, i32, list, struct } from '../xdr/codec.ts';
import { charList } from '../xdr/char-list.ts';
import { query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const LABEL_CHARS_MAX = 4097;
const LABELS_MAX = 64;

const securityLabel = { label: charList(LABEL_CHARS_MAX), enforcing: bool };

/**
 * The label under which a running guest's process is confined by the first security driver of
 * `nodeGetSecurityModel`, and whether what it forbids is prevented or only logged; an empty label
 * where nothing confines it.
 *
 * @since 0.6.1
 */
export const domainGetSecurityLabel = query(
  'domainGetSecurityLabel',
  121,
  { dom: domain },
  securityLabel,
);

/**
 * The labels of all security drivers, in the order in which the capabilities list them; `ret` is
 * how many.
 *
 * @since 0.10.0
 */
export const domainGetSecurityLabelList = query(
  'domainGetSecurityLabelList',
  278,
  { dom: domain },
  { labels: list(struct(securityLabel), LABELS_MAX), ret: i32 },
);
