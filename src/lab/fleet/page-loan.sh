#!/bin/sh
# Makes the machine's pool of huge pages larger or smaller, one lab at a time: page-loan.ts runs this
# with a lock on the pool's own file.
#
#   page-loan.sh POOL borrow PAGES   all of them or none; prints how many could be had
#   page-loan.sh POOL return PAGES   prints how many were given back
set -eu

pool=$1
pages=$3
read -r before <"$pool"
case $2 in
borrow)
  echo $((before + pages)) >"$pool"
  read -r now <"$pool"
  [ "$now" -ge $((before + pages)) ] || echo "$before" >"$pool"
  ;;
return)
  echo $((before > pages ? before - pages : 0)) >"$pool"
  read -r now <"$pool"
  ;;
esac
echo $((now > before ? now - before : before - now))
