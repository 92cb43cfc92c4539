# Makes a machine, just started or just restored, one of its own. Run inside it by the guest agent.
# Arguments: its name, UUID, the MAC address and the address with prefix for the lab's network (or
# two empty words), the gateway there, the seconds since 1970, the public keys of those who may
# come in, the text of /etc/hosts, and its address with prefix for SSH from outside the machine.
# Standard input: its private SSH key.
name=$1 uuid=$2 mac=$3 address=$4 gateway=$5 now=$6 authorized=$7 hosts=$8 management=$9
umask 022
date -u -s "@$now" >/dev/null
echo "$name" >/etc/hostname
echo "$name" >/proc/sys/kernel/hostname
echo "$hosts" >/etc/hosts
echo "$uuid" | tr -d - >/etc/machine-id

# libvirt refuses to migrate a guest to a host of the same UUID.
sed -i '/^host_uuid/d' /etc/libvirt/libvirtd.conf
echo "host_uuid = \"$uuid\"" >>/etc/libvirt/libvirtd.conf

(umask 077 && cat >/etc/ssh/ssh_host_ed25519_key && mkdir -p /root/.ssh)
echo "$authorized" >/root/.ssh/authorized_keys
systemctl --no-block restart ssh.service libvirtd.service

ip address add "$management" dev mgmt0
ip link set mgmt0 up
if [ -n "$address" ]; then
  ip link set nic0 address "$mac"
  ip link add br0 type bridge forward_delay 0
  ip link set nic0 master br0
  ip link set nic0 up
  ip address add "$address" dev br0
  ip link set br0 up
  ip route add default via "$gateway"
fi
