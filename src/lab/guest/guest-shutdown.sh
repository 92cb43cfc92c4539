#!/bin/sh
# What the agent calls to end the guest: -r restarts, -H halts, else it powers off; the rest of the
# arguments are a time and a message. The agent goes first, once it has had its answer from here,
# and the guest a little later: libvirt takes a channel that the guest has closed for a shutdown
# that went well, and one that ends with QEMU now and then for an error (libvirt 9.0).
case " $* " in
*" -r "*) end=reboot ;;
*" -H "*) end=halt ;;
*) end=poweroff ;;
esac
{
  sleep 0.1
  killall qemu-ga
  sleep 0.3
  "$end" -f
} &
