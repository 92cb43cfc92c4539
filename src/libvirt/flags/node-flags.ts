/** Where a suspended host's memory is kept (VIR_NODE_SUSPEND_TARGET_*). */
export const NodeSuspendTarget = { mem: 0, disk: 1, hybrid: 2 } as const;

/** Whether pages are added to a pool or the pool is set to that size (VIR_NODE_ALLOC_PAGES_*). */
export const NodeAllocPagesFlag = { add: 0, set: 1 << 0 } as const;
