# Brings a machine that was just booted to a rest, in which it is saved. Run inside it by the guest
# agent. libvirt's first look at each QEMU takes 20 s under emulation, and is remembered; but it is
# taken again for a host's processor that KVM did not yet tell of when libvirtd started.
systemctl is-system-running --wait || systemctl is-system-running | grep -x degraded
udevadm settle # loads kvm_amd
test -c /dev/kvm
systemctl restart libvirtd.service
for type in kvm qemu; do virsh -q domcapabilities --virttype "$type" >/dev/null; done
virsh -q capabilities >/dev/null
virsh -q nodedev-list >/dev/null
# Both are started again with what makes a copy of this machine one of its own.
systemctl stop libvirtd.service ssh.service 2>/dev/null
sync
