#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs those of the named Debian packages that are missing, as root or with
# sudo, asking nothing.  On a system without apt-get it only says what is needed.
#
#     sh examples/install-packages.sh PACKAGE...
set -eu

missing=
for package in "$@"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Not a Debian system: please see to it that these are there:$missing" >&2
  exit 0
fi

root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing. As root: apt-get install$missing" >&2
    exit 1
  fi
  root=sudo
fi
echo "Installing$missing"
log=$(mktemp)
install() {
  $root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" \
    >"$log" 2>&1
}
if ! { install -qq update && install -y -qq --no-install-recommends install $missing; }; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
