/** By what VMs can be sorted, ascending; VMs that are equal in it follow by name, then by host. */
export const VM_SORTS = ['name', 'host', 'state', 'vcpus', 'memory'] as const;
export type VmSort = (typeof VM_SORTS)[number];
