import { GIB } from '../../base/units.ts';
import { buildDebianImage, type DebianImage } from '../system/debian-image.ts';
import type { TreeFile } from '../system/debian-tree.ts';
import type { MachineArch } from '../system/machine-arch.ts';

/**
 * What the kernel needs to be told; a name is given with `systemd.hostname=NAME`. Mitigations cost
 * an emulated processor much and protect nothing in it, and the disk is always a new one.
 */
export const DEBIAN_GUEST_CMDLINE =
  'root=/dev/vda rootfstype=ext4 rw console=ttyS0 quiet net.ifnames=0 mitigations=off fsck.mode=skip';

const PACKAGES: readonly string[] = ['dbus', 'iproute2', 'qemu-guest-agent'];

/**
 * The shell on the console is there as soon as systemd can start services, without a login: what
 * waits for a getty waits for udev, which takes half of an emulated boot.
 */
const CONSOLE_SHELL = `[Unit]
Description=Root shell on the console
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/bash --login
WorkingDirectory=/root
Environment=HOME=/root TERM=linux
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
KillMode=process
IgnoreSIGPIPE=no
SendSIGHUP=yes
Restart=always
RestartSec=0

[Install]
WantedBy=multi-user.target
`;

const FILES: readonly TreeFile[] = [
  { path: 'etc/systemd/system/console-shell.service', text: CONSOLE_SHELL },
  {
    path: 'etc/systemd/network/80-dhcp.network',
    text: '[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n',
  },
  { path: 'etc/systemd/journald.conf.d/volatile.conf', text: '[Journal]\nStorage=volatile\n' },
  { path: 'etc/hosts', text: '127.0.0.1 localhost\n' },
];

/** What a guest that lives for minutes does not need, and would spend its first seconds on. */
const MASKED_UNITS: readonly string[] = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  'modprobe@configfs.service',
  'modprobe@dm_mod.service',
  'modprobe@drm.service',
  'modprobe@efi_pstore.service',
  'modprobe@fuse.service',
  'modprobe@loop.service',
  'proc-sys-fs-binfmt_misc.automount',
  'serial-getty@ttyAMA0.service',
  'serial-getty@ttyS0.service',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-journal-flush.service',
  'systemd-modules-load.service',
  'systemd-network-generator.service',
  'systemd-networkd-wait-online.service',
  'systemd-pstore.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-sysusers.service',
  'systemd-timesyncd.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-user-sessions.service',
];

export interface DebianGuestOptions {
  /** The folder that images are kept in; made when missing. */
  readonly dir: string;
  readonly arch: MachineArch;
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/**
 * The small real guest: Debian 12 with systemd, D-Bus, udev, a guest agent, an address by DHCP on
 * every Ethernet card, and a root shell on its serial console without a password. It is for guests
 * of a lab only, which nothing outside can reach. Its disk is a backing file for overlays, to be
 * booted directly as `/dev/vda` with DEBIAN_GUEST_CMDLINE, in 256 MiB.
 * @throws as buildDebianImage does.
 */
export async function buildDebianGuest(options: DebianGuestOptions): Promise<DebianImage> {
  return buildDebianImage({
    ...options,
    name: 'debian-guest',
    suite: 'bookworm',
    packages: PACKAGES,
    kernel: 'linux-image-cloud',
    bootModules: ['virtio_pci', 'virtio_blk'],
    files: FILES,
    maskedUnits: MASKED_UNITS,
    enabledUnits: ['console-shell.service', 'systemd-networkd.service'],
    sizeBytes: 2 * GIB,
  });
}
