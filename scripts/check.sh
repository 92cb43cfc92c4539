#!/bin/sh
# The fast half of `npm test`: format, lint, compile, dead code.
set -eu
cd "$(dirname "$0")/.."
. scripts/node24.sh
berth_install dev
exec "$BERTH_NODE" scripts/run-tests.ts --checks-only
