#!/usr/bin/env bash
# Brings the Debian packages that a cluster on this machine needs. Its own programs are built (test/k8s/cluster/build.sh).
set -euo pipefail
COMMANDS=(containerd runc nft conntrack catatonit busybox buildah openssl nsenter)
PACKAGES=(containerd runc containernetworking-plugins nftables conntrack catatonit busybox-static buildah openssl util-linux iproute2 procps)
missing=no
for command in "${COMMANDS[@]}"; do command -v "$command" >/dev/null || PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || missing=yes; done
[ -x /usr/lib/cni/bridge ] || missing=yes
[ "$missing" = yes ] || exit 0
root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
printf 'installing Debian packages: %s\n' "${PACKAGES[*]}" >&2
root apt-get update -qq
# Programs are wanted, not the services that Debian would start with them.
policy=/usr/sbin/policy-rc.d
ours=no
if [ ! -e "$policy" ]; then
  ours=yes
  printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
  root chmod 755 "$policy"
fi
status=0
root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${PACKAGES[@]}" >/dev/null || status=$?
if [ "$ours" = yes ]; then root rm -f "$policy"; fi
exit "$status"
