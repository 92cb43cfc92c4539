#!/bin/sh
# Runs a benchmark on Node 24: `npm run bench -- start [--json]`.
set -eu

self=$(readlink -f -- "$0")
root=${self%/scripts/*}
. "$root/scripts/node24.sh"

ensure_packages everything
find_node24
cd "$root"
exec "$node" scripts/bench.ts "$@"
