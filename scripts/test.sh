#!/bin/sh
# What every change runs: `npm test`. Installs what it needs, then runs every check and test on
# Node 24 and ends with a line "N passed, N failed".
set -eu
cd "$(dirname "$0")/.."
. scripts/node24.sh
berth_install dev
exec "$BERTH_NODE" scripts/run-tests.ts "$@"
