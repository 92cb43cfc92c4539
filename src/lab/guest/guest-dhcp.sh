#!/bin/sh
# Takes over what udhcpc was given; busybox calls it with the step and sets the variables.
case $1 in
bound | renew)
  ip addr flush dev "$interface"
  ip addr add "$ip/$mask" dev "$interface"
  for gateway in $router; do ip route add default via "$gateway" dev "$interface" && break; done
  for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
  ;;
esac
