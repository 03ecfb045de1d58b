#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes ready to build src/ for aarch64 on a Debian of x86-64, and to run its
# tests there, emulated.  The libraries of aarch64 are only unpacked into FOLDER:
# of the system's own state nothing changes but that the compiler and the
# emulator are installed.
#
#     sh tests/aarch64.sh FOLDER
#     meson setup BUILD --cross-file FOLDER/cross.ini -Dplugin=disabled
#
# Says why and exits with 77 where that cannot be done.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

cannot() {
  echo "No tests for aarch64: $1"
  exit 77
}

grep -qs '^ID=debian$' /etc/os-release || cannot "this is not Debian"
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "this is not x86-64"
sh examples/install-packages.sh gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
  qemu-user pkgconf meson || cannot "the compiler or the emulator is not to be had"

# apt with a state of its own, in which nothing is installed; of the system's
# configuration only its sources and proxies.
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/debs"
: >"$folder/apt/status"
apt-config dump | grep -i '^Acquire::https\?::' >"$folder/apt/options" || true
cat >>"$folder/apt/options" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
END
private_apt() {
  APT_CONFIG="$folder/apt/options" "$@" 2>>"$folder/apt/log"
}

# Other sources than Debian's may fail: what matters is what can be downloaded.
private_apt apt-get -qq update || true
packages=$(private_apt apt-get -qq --simulate install --no-install-recommends \
  libglib2.0-dev libjansson-dev \
  | sed -n 's/^Inst \(lib\(glib2\|pcre2\|jansson\)[^ ]*\) .*/\1/p')
[ -n "$packages" ] || cannot "its packages are not to be had, see $folder/apt/log"
(cd "$folder/debs" && rm -f ./*.deb && private_apt apt-get -qq download $packages) \
  || cannot "its packages cannot be downloaded, see $folder/apt/log"
rm -rf "$folder/root"
for deb in "$folder"/debs/*.deb; do
  dpkg-deb --extract "$deb" "$folder/root"
done

libraries=$folder/root/usr/lib/aarch64-linux-gnu
cat >"$folder/cross.ini" <<END
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config' # as meson before 1.3 spells it
pkg-config = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu',
  '-E', 'LD_LIBRARY_PATH=$libraries:$folder/root/lib/aarch64-linux-gnu']

[built-in options]
c_link_args = ['-Wl,-rpath-link,$libraries']

[properties]
sys_root = '$folder/root'
pkg_config_libdir = '$libraries/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
