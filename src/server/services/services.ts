import type { ServiceContext } from './context.ts';
import { HostService } from './host-service.ts';
import { OperationService } from './operation-service.ts';
import { VmService } from './vm-service.ts';

/** Everything the API can be asked to do, free of HTTP, by theme. */
export interface Services {
  readonly hosts: HostService;
  readonly vms: VmService;
  readonly operations: OperationService;
}

export function makeServices(context: ServiceContext): Services {
  return {
    hosts: new HostService(context),
    vms: new VmService(context),
    operations: new OperationService(context),
  };
}
