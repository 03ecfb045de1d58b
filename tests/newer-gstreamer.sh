#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the project and runs its tests against a newer GStreamer, in a chroot
# that it makes: that of Debian 13 (trixie, 1.26) or of Debian's newest (sid).
# On Debian, as root.  The last line reads "N passed, N failed[, N skipped]".
#
#     sh tests/newer-gstreamer.sh [--prepare | --sanitize] [trixie | sid]
#
# --sanitize runs those tests alone that are of the metadata, which GStreamer
# hands to another process from 1.24 on: under AddressSanitizer and UBSan with
# FORGED_HEADS (3000000) forgeries of what comes, then under ThreadSanitizer.
#
# The chroots, of 1.5 GB each, are kept in GST_VIT_CHROOTS (by default
# ~/.cache/gst-vit/chroots); of the system's own state nothing changes but that
# debootstrap is installed.  Where CI is set the documents' commands, which take as
# long as all else, are left out.  --prepare makes the chroot and runs nothing in it.
# Says why in one line and exits with 77 where it cannot work.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."
source=$PWD

mode=test
case ${1-} in
  --prepare | --sanitize) mode=${1#--}; shift ;;
esac
suite=${1:-trixie}
case $suite in
  trixie | sid) ;;
  *) echo "Usage: sh tests/newer-gstreamer.sh [--prepare | --sanitize] [trixie | sid]" >&2; exit 2 ;;
esac
chroots=${GST_VIT_CHROOTS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gst-vit/chroots}
root=$chroots/$suite
log=$chroots/$suite.log

# What builds it, what runs the tests, and the elements the tests use.
packages="gcc libc6-dev meson pkgconf
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev
  libgstreamer-plugins-bad1.0-0 gobject-introspection libgirepository1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-x xvfb xauth
  gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  python3-gi python3-gst-1.0 python3-numpy"
# Only unpacked, for the headers in it: what it depends on takes gigabytes.
unpacked=libgstreamer-plugins-bad1.0-dev

cannot() {
  echo "No tests on Debian's $suite: $1"
  exit 77
}

check_system() {
  grep -qs '^ID=debian$' /etc/os-release || cannot "this is not Debian"
  [ "$(id -u)" = 0 ] || cannot "only root can make a chroot"
  sh examples/install-packages.sh debootstrap util-linux >/dev/null 2>&1 \
    || cannot "debootstrap is not to be had"
  unshare --mount --pid --fork true 2>/dev/null \
    || cannot "unshare is not permitted"
}

# Runs a command in a chroot as if the system were its own.
enter() { # ROOT COMMAND...
  unshare --mount --pid --fork sh -euc '
    mount -t proc proc "$1/proc"
    exec chroot "$@"' enter "$@"
}

# In the chroot: the packages named after the first, which is unpacked.
install_script='
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  unpacked=$1
  shift
  apt-get -y -qq install --no-install-recommends "$@"
  cd /tmp
  apt-get -qq download "$unpacked"
  dpkg -x "$unpacked"_*.deb /
  rm "$unpacked"_*.deb
  apt-get clean
  rm -rf /var/lib/apt/lists/*'

# The system's proxies and mirror, and no more than is needed.  sid is always
# newer than its own list says for how long it holds.
configure_apt() { # ROOT
  {
    apt-config dump | grep -i '^Acquire::https\?::' || true
    echo 'Acquire::Languages "none";'
    echo 'Acquire::Check-Valid-Until "false";'
    echo 'DPkg::Options { "--force-unsafe-io"; };'
  } >"$1/etc/apt/apt.conf.d/gst-vit"
  for folder in doc man locale; do
    echo "path-exclude=/usr/share/$folder/*"
  done >"$1/etc/dpkg/dpkg.cfg.d/gst-vit"
}

# A chroot that has its own name is whole: it is made under another.
make_chroot() {
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
    'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
  [ -n "$mirror" ] || cannot "apt knows of no mirror"
  http_proxy=${http_proxy:-$(apt-config shell proxy Acquire::http::Proxy \
    | sed "s/^proxy='\(.*\)'$/\1/")}
  [ -z "$http_proxy" ] || export http_proxy

  rm -rf "$root.new"
  debootstrap --variant=minbase "$suite" "$root.new" "$mirror" >"$log" 2>&1 \
    || cannot "debootstrap failed, see $log"
  configure_apt "$root.new"
  enter "$root.new" sh -euc "$install_script" install "$unpacked" $packages \
    >>"$log" 2>&1 || cannot "its packages cannot be installed, see $log"
  echo $packages $unpacked >"$root.new/packages"
  rm -rf "$root"
  mv "$root.new" "$root"
}

# The tree lies at /src, read-only; what is built goes when the command ends.
in_chroot() { # COMMAND
  unshare --mount --pid --fork sh -euc '
    mkdir -p "$1/src" "$1/build"
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/dev/shm"
    mount -t tmpfs tmpfs "$1/tmp"
    mount -t tmpfs tmpfs "$1/build"
    mount --bind "$2" "$1/src"
    mount -o remount,bind,ro "$1/src"
    exec env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME=/build TMPDIR=/tmp \
      CI="${CI-}" FORGED_HEADS="${FORGED_HEADS-}" chroot "$1" sh -euc "$3"' in_chroot "$root" "$source" "$1"
}

build_and_test='
  cd /build
  echo "GStreamer $(pkg-config --modversion gstreamer-1.0), $(gcc --version | head -n 1)"
  if ! { meson setup b /src --buildtype=debugoptimized -Dtests=enabled -Dexamples=enabled --werror \
    && meson compile -C b; } >log 2>&1; then
    cat log
    echo "0 1 0"
    exit
  fi
  meson test -C b --print-errorlogs --no-suite once ${CI:+--no-suite documents} || true
  python3 /src/tests/count_results.py b/meson-logs || echo "0 1 0"'

sanitize='
  tests="forged_heads forged_metas tokens_bytes tokens_map tokens_meta
    tokens_passage tokens_valid"
  FORGED_HEADS=${FORGED_HEADS:-3000000}
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  cd /build
  echo "GStreamer $(pkg-config --modversion gstreamer-1.0), $(gcc --version | head -n 1)"
  for sanitizers in address,undefined thread; do
    folder=${sanitizers%,*} # no comma: the linker takes it for its own
    if ! meson setup "$folder" /src --buildtype=debugoptimized \
      -Dintrospection=disabled -Db_sanitize="$sanitizers" >log 2>&1; then
      cat log
      echo "0 1 0"
      exit
    fi
    meson test -C "$folder" --print-errorlogs -t 20 $tests || true
    FORGED_HEADS=100000
  done
  for folder in address thread; do
    python3 /src/tests/count_results.py "$folder/meson-logs" || echo "0 1 0"
  done | awk "{ passed += \$1; failed += \$2; skipped += \$3 }
    END { print passed, failed, skipped }"'

# Shows everything but the last line, which is three numbers if it came so far.
show() {
  last=
  while IFS= read -r line; do
    [ -z "$last" ] || printf '%s\n' "$last"
    last=$line
  done
  case $last in
    [0-9]*' '[0-9]*' '[0-9]*) ;;
    *) printf '%s\n' "$last"; last="0 1 0" ;;
  esac
  set -- $last
  if [ "$3" -gt 0 ]; then
    echo "$1 passed, $2 failed, $3 skipped"
  else
    echo "$1 passed, $2 failed"
  fi
  [ "$2" -eq 0 ]
}

check_system
mkdir -p "$chroots"
exec 9>"$chroots/$suite.lock"
flock 9 # while another makes it
if [ "$(cat "$root/packages" 2>/dev/null)" != "$(echo $packages $unpacked)" ]; then
  make_chroot
fi
exec 9>&-
case $mode in
  test) in_chroot "$build_and_test" | show ;;
  sanitize) in_chroot "$sanitize" | show ;;
esac
