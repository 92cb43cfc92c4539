import { FleetEvents } from '../events/fleet-events.ts';
import type { ServiceContext } from './context.ts';
import { DeclareService } from './declare-service.ts';
import { HostService } from './host-service.ts';
import { OperationService } from './operation-service.ts';
import { RequestKeys } from './request-keys.ts';
import { VmService } from './vm-service.ts';

/** Everything the API can be asked to do, free of HTTP, by theme. */
export interface Services {
  readonly hosts: HostService;
  readonly vms: VmService;
  readonly declare: DeclareService;
  readonly operations: OperationService;
  readonly events: FleetEvents;
  readonly requestKeys: RequestKeys;
}

export function makeServices(context: ServiceContext): Services {
  return {
    hosts: new HostService(context),
    vms: new VmService(context),
    declare: new DeclareService(context),
    operations: new OperationService(context),
    events: new FleetEvents(context),
    requestKeys: new RequestKeys(context),
  };
}
