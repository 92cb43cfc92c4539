import type { EventQuery, FleetEvent } from '../../api/events.ts';
import { matchesLabels } from '../../model/label-selector.ts';

/** Whether an event is one of those asked for. */
export type EventFilter = (event: FleetEvent) => boolean;

/**
 * @param labelsOf labels of a VM by its name, for events that do not say them; none of one that is
 * not there.
 */
export function eventFilter(
  { kind, labels, host, vm }: Omit<EventQuery, 'after'>,
  labelsOf: (vm: string) => Readonly<Record<string, string>>,
): EventFilter {
  return (event) =>
    (kind === undefined || event.kind === kind) &&
    (host === undefined || hostOf(event) === host) &&
    (vm === undefined || isAbout(event, vm)) &&
    (labels === undefined ||
      (event.kind === 'vm' && matchesLabels(labels, event.labels)) ||
      (event.kind === 'operation' && matchesLabels(labels, labelsOf(event.vm))));
}

function hostOf(event: FleetEvent): string | undefined {
  return event.kind === 'host' ? event.name : event.host;
}

function isAbout(event: FleetEvent, vm: string): boolean {
  if (event.kind === 'vm') return event.name === vm || event.uuid === vm;
  return event.kind === 'operation' && event.vm === vm;
}
