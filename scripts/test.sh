#!/bin/sh
# What every change runs: `npm test`, and `npm run test:all` with what takes long. Installs what it
# needs, then runs checks and tests on Node 24 and ends with a line "N passed, N failed"; what can
# be chosen is said by scripts/test-choice.ts (`npm test -- --help`).
set -eu

self=$(readlink -f -- "$0")
root=${self%/scripts/*}
. "$root/scripts/node24.sh"

ensure_packages everything
find_node24
cd "$root"
exec "$node" scripts/run-tests.ts "$@"
