#!/usr/bin/env bash
# Builds the cluster's programs, each once per key (sources, go.sum, Go version): `build.sh kubernetes|coredns|kubeconform`
# prints the program's path. The first build of `kubernetes` costs about 16 minutes of CPU.
set -euo pipefail
cd "$(dirname "$0")"
name=$1
root=$(cd ../../.. && pwd)

command -v go >/dev/null || {
  echo 'Go ≥ 1.24 is needed to build the cluster (https://go.dev/dl): `go` is not in PATH' >&2
  exit 69
}
# As installed: which tool chain builds is a part of the key, and must not change by a download.
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
version=$(go env GOVERSION)
[[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 24 ] || {
  echo "Go ≥ 1.24 is needed to build the cluster; this is $version" >&2
  exit 69
}

cd "$name"
key=$({ echo "$version"; cat -- *.go go.mod go.sum ../build.sh; } | sha256sum | cut -c1-16)
cache=$root/.cache/cluster/$name-$key
if [ ! -x "$cache/$name" ]; then
  mkdir -p "$cache"
  # Two at once build it once.
  exec 9>"$cache/lock"
  flock 9
  if [ ! -x "$cache/$name" ]; then
    flags='-s -w'
    if [ "$name" = kubernetes ]; then
      # Without them every part says v0.0.0, and kubeadm, Helm and charts refuse the cluster as too old.
      release=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\)$#\1#p' go.mod)
      for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$release -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$release")"
      done
    fi
    echo "building $name with $version" >&2
    go build -trimpath -ldflags "$flags" -o "$cache/$name.new" .
    mv "$cache/$name.new" "$cache/$name"
  fi
fi
printf '%s\n' "$cache/$name"
