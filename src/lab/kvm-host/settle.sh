# Brings a machine that was just booted to a rest, in which it is saved. Run inside it by the guest
# agent. libvirt's first look at each QEMU takes 20 s under emulation, and is remembered; but it is
# taken again for a host's processor that KVM did not yet tell of when libvirtd started.
systemctl is-system-running --wait || systemctl is-system-running | grep -x degraded
udevadm settle # loads kvm_amd
test -c /dev/kvm

# With the first VM of KVM, and with the last one that goes, the kernel rewrites code that idle
# processors run (the static key of preempt notifiers in __schedule, kernel/sched/core.c). Under
# emulation another processor may still run what was there for the moment in between, which ends in
# "Oops: int3". So a VM without processors is held for good, and made while just one processor runs.
for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do echo 0 >"$cpu"; done
systemd-run --quiet --unit=kvm-held perl -e '
  open my $kvm, "+<", "/dev/kvm" or die "/dev/kvm: $!\n";
  my $KVM_CREATE_VM = 0xAE01; # include/uapi/linux/kvm.h
  defined ioctl $kvm, $KVM_CREATE_VM, 0 or die "KVM_CREATE_VM: $!\n";
  sleep;'
until ls -l /proc/"$(systemctl show --value -p MainPID kvm-held)"/fd | grep -q kvm-vm; do
  systemctl is-active --quiet kvm-held
  sleep 0.1
done
for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do echo 1 >"$cpu"; done

systemctl restart libvirtd.service
for type in kvm qemu; do virsh -q domcapabilities --virttype "$type" >/dev/null; done
virsh -q capabilities >/dev/null
virsh -q nodedev-list >/dev/null
# Both are started again with what makes a copy of this machine one of its own.
systemctl stop libvirtd.service ssh.service 2>/dev/null
sync
