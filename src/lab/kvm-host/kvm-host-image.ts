import { GIB } from '../../base/units.ts';
import { buildGuestImage } from '../guest/guest-image.ts';
import { buildDebianImage, type DebianImage } from '../system/debian-image.ts';
import type { TreeFile } from '../system/debian-tree.ts';
import { NICS } from './kvm-machine.ts';

/** Debian's releases that a host can be made of, the second with a newer libvirt and QEMU. */
export type KvmHostRelease = 'bookworm' | 'trixie';

/** Room for guests' disks too; what is not used takes no space. */
const DISK_BYTES = 8 * GIB;

/** What a host for guests has on it: libvirt as the distribution sets it up, and tools to look. */
const PACKAGES = [
  'dbus',
  'apparmor',
  'openssh-server',
  'qemu-guest-agent',
  'libvirt-daemon-system',
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'dnsmasq-base',
  'nftables',
  'iptables',
  'iproute2',
  'numactl',
  'hwloc-nox',
  'pciutils',
  'procps',
] as const;

/** Work for a machine that lives longer than an hour, and terminals that nobody looks at. */
const MASKED_UNITS = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'logrotate.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'libvirt-guests.service',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
] as const;

/** Where the host's guests find the tiny guest to boot. */
export const HOST_IMAGES = '/var/lib/libvirt/images';

export interface KvmHostImageOptions {
  /** The folder that images are kept in. */
  readonly dir: string;
  readonly release: KvmHostRelease;
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/**
 * The disk of a KVM host: Debian with its own kernel, systemd, AppArmor and libvirt, with the tiny
 * guest among its images. Nobody can log in: keys are put there when a host starts.
 * @throws as buildDebianImage and buildGuestImage say.
 */
export async function buildKvmHostImage(options: KvmHostImageOptions): Promise<DebianImage> {
  const guest = await buildGuestImage({ ...options, arch: 'x86_64' });
  return buildDebianImage({
    ...options,
    name: 'kvm-host',
    suite: options.release,
    packages: PACKAGES,
    kernel: 'linux-image',
    bootModules: ['virtio_pci', 'virtio_blk'],
    maskedUnits: MASKED_UNITS,
    files: [
      ...FILES,
      { path: `${HOST_IMAGES.slice(1)}/vmlinuz`, copyOf: guest.kernel },
      { path: `${HOST_IMAGES.slice(1)}/initrd.gz`, copyOf: guest.initrd },
    ],
    sizeBytes: DISK_BYTES,
    arch: 'x86_64',
  });
}

const SSHD_CONFIG = `HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
`;

const FILES: readonly TreeFile[] = [
  { path: 'etc/hostname', text: 'kvm-host\n' },
  { path: 'etc/ssh/sshd_config.d/berth.conf', text: SSHD_CONFIG },
  // The order in which drivers find NICs varies; these names do not.
  ...NICS.map(({ name, mac }) => ({
    path: `etc/systemd/network/10-${name}.link`,
    text: `[Match]\nMACAddress=${mac}\n\n[Link]\nName=${name}\n`,
  })),
  // KVM of Linux 6.1 tells of the CPU that asks it, and libvirt takes another CPU's answer for a new
  // machine, to look at every QEMU for 20 s again. Guests are given all CPUs whatever its own are.
  {
    path: 'etc/systemd/system/libvirtd.service.d/berth.conf',
    text: '[Service]\nCPUAffinity=0\n',
  },
  // Where a site adds to libvirt's profiles. Debian 12's lack what Debian 13's have: without it
  // libnuma finds no cells, and QEMU cannot place huge pages on them.
  {
    path: 'etc/apparmor.d/local/abstractions/libvirt-qemu',
    text: '/sys/devices/system/node/*/cpumap r,\n',
  },
  // Loaded for each emulated CPU of AMD's kind, to find that it cannot change its frequency.
  { path: 'etc/modprobe.d/berth.conf', text: 'blacklist powernow_k8\n' },
];
