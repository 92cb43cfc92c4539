import type { DomainRecord } from '../../host/domain-record.ts';

/** Labels of a VM; undefined for a domain that nobody has given any, nor said to have none. */
export type VmLabels = Readonly<Record<string, string>> | undefined;

/** The labels of a domain: of its document, or of its adoption. */
export function labelsOfRecord(
  record: Pick<DomainRecord, 'metadata' | 'adopted'> | undefined,
): VmLabels {
  if (record?.adopted !== undefined) return record.adopted.labels;
  return record?.metadata === undefined ? undefined : labelsOf(record.metadata.document);
}

/** The labels in a VM document, which may be anything. */
export function labelsOf(document: unknown): Record<string, string> {
  const labels = (document as { metadata?: { labels?: unknown } } | undefined)?.metadata?.labels;
  if (typeof labels !== 'object' || labels === null) return {};
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}
