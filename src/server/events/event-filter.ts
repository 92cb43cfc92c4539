import type { EventQuery, FleetEvent } from '../../api/events.ts';
import { matchesLabels } from '../../model/label-selector.ts';
import type { EventSight } from './event-log.ts';

/** Whether an event is one of those asked for. */
export type EventFilter = (event: FleetEvent, sight: EventSight) => boolean;

export function eventFilter({ kind, labels, host, vm }: Omit<EventQuery, 'after'>): EventFilter {
  return (event, sight) =>
    (kind === undefined || event.kind === kind) &&
    (host === undefined || hostOf(event) === host) &&
    (vm === undefined || isAbout(event, vm)) &&
    (labels === undefined || (event.kind !== 'host' && matchesLabels(labels, sight.labels ?? {})));
}

function hostOf(event: FleetEvent): string | undefined {
  return event.kind === 'host' ? event.name : event.host;
}

function isAbout(event: FleetEvent, vm: string): boolean {
  if (event.kind === 'vm') return event.name === vm || event.uuid === vm;
  return event.kind === 'operation' && event.vm === vm;
}
