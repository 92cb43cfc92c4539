/** The families of Linux distributions whose package names are known here. */
export type DistributionFamily = 'debian' | 'fedora' | 'suse' | 'arch';

/**
 * The packages that bring everything a private hypervisor and its tiny guest need, per family of
 * distributions. Only Debian's (12 and later, Ubuntu 22.04 and later) are installed by Berth and
 * were tried; the others are named to the user, from those distributions' package lists.
 */
export const HYPERVISOR_PACKAGES: Readonly<Record<DistributionFamily, readonly string[]>> = {
  debian: [
    'libvirt-daemon-system',
    'libvirt-daemon-driver-qemu',
    'libvirt-clients',
    'qemu-system-x86',
    'qemu-utils',
    'iproute2',
    'kmod',
    'busybox-static',
  ],
  fedora: [
    'libvirt-daemon-kvm',
    'libvirt-client',
    'qemu-kvm',
    'qemu-img',
    'iproute',
    'kmod',
    'busybox',
  ],
  suse: [
    'libvirt-daemon-qemu',
    'libvirt-client',
    'qemu-x86',
    'qemu-tools',
    'iproute2',
    'kmod',
    'busybox-static',
  ],
  arch: ['libvirt', 'qemu-base', 'iproute2', 'kmod', 'busybox'],
};
