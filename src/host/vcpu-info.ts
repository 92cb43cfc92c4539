/** What `virsh vcpuinfo` shows of one vCPU. */
export interface VcpuInfo {
  readonly vcpu: number;
  readonly state: 'offline' | 'running' | 'blocked';
  /** The pCPU it ran on last. */
  readonly pcpu: number;
  /** CPU time used so far, in milliseconds. */
  readonly timeMs: number;
  /** The pCPUs it may run on. */
  readonly allowed: readonly number[];
}
