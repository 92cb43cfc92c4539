import type { VmDocument } from '../../api/vm-spec.ts';

/**
 * The document that a guest goes on by until its next start: its own, with what a new one says of
 * labels and of hosts and VMs around, which holds at once.
 */
export function liveDocument(running: unknown, wanted: unknown): VmDocument {
  // Both have been checked: one when it was carried out, the other when it was asked for.
  const [now, next] = [running as VmDocument, wanted as VmDocument];
  const { labels: _, ...metadata } = now.metadata;
  const { placement: __, ...spec } = now.spec;
  const { labels } = next.metadata;
  const { placement } = next.spec;
  return {
    ...now,
    metadata: { ...metadata, ...(labels === undefined ? {} : { labels }) },
    spec: { ...spec, ...(placement === undefined ? {} : { placement }) },
  };
}
