#!/bin/sh
# What every change runs: `npm test`. Installs what it needs, then runs every check and test on
# Node 24 and ends with a line "N passed, N failed". Names of rooms run only their tests;
# `--checks-only` (`npm run check`) runs only format, types, lint and dead code.
set -eu

self=$(readlink -f -- "$0")
root=${self%/scripts/*}
. "$root/scripts/node24.sh"

ensure_packages everything
find_node24
cd "$root"
exec "$node" scripts/run-tests.ts "$@"
