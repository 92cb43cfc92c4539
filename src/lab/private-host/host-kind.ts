/**
 * How a host of a lab is made: `namespace` is a libvirtd in namespaces of this machine, `kvm` a
 * whole emulated machine with a kernel and a /dev/kvm of its own.
 */
export type HostKind = 'namespace' | 'kvm';
