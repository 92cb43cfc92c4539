#!/bin/sh
# The inside of a lab: started by keeper.ts as `lab-init.sh start NETWORK`, where NETWORK is the
# first three numbers of its addresses. Makes a network and a pid namespace and becomes pid 1 of
# them, the keeper: every process of the lab ends with it. Talks with its starter as
# ../private-host/host-init.sh does, so it ends with that unless it was told "keep".
set -eu

start() {
  read -r outer_pid _rest </proc/self/stat
  echo "begun $outer_pid"
  read -r _enter
  exec unshare --net --pid --fork --kill-child setsid sh "$0" keep "$1"
}

# Nothing joins this network to another one: what is on it is reached from within the lab alone.
keep() {
  read -r outer_pid _rest </proc/self/stat
  echo "pid $outer_pid"
  ip -batch - <<END
link set lo up
link add berth0 type bridge forward_delay 0
address add $1.1/24 dev berth0
link set berth0 up
END
  echo made
  read -r _start
  read -r word
  [ "$word" = keep ] || exit 1
  exec </dev/null >/dev/null
  # A shell that waits reaps any child, so also the orphans of the lab. One that never ends keeps it
  # waiting.
  sleep infinity &
  wait
}

"$@"
