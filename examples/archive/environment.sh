#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes the Python environment of examples/archive: Ray, pyarrow, numpy, FAISS, zarr and
# xarray from PyPI, beside Debian's bindings of GStreamer.
#
#     sh examples/archive/environment.sh [FOLDER]
#
# FOLDER is ~/.cache/gst-vit/archive if none is given; one that is whole is left as
# it is.  Every machine of a cluster needs the same.  Then FOLDER/bin/python runs
# the programs.  Exits with 77 where PyPI cannot be reached.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/../.."

folder=${1:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gst-vit/archive}
python=$folder/bin/python

# The bindings are for Debian's own Python, whichever other is first in PATH.
sh examples/install-packages.sh python3-venv python3-gi python3-gst-1.0 \
  gir1.2-gst-plugins-base-1.0

if ! "$python" -c 'import ray, pyarrow, numpy, zarr, xarray, faiss' 2>/dev/null; then
  /usr/bin/python3 -m venv --system-site-packages "$folder"
  # numpy anew: that of the system may be older than the others take.
  # The smallest of them, to tell no network from packages that do not go together.
  tried=$(mktemp -d)
  reached=yes
  "$python" -m pip download --quiet --no-cache-dir --no-deps --dest "$tried" xarray || reached=
  rm -rf "$tried"
  if [ -z "$reached" ]; then
    echo "skipped: PyPI cannot be reached" >&2
    exit 77
  fi
  if ! "$python" -m pip install --quiet --upgrade 'ray>=2.40' 'pyarrow>=17' 'numpy>=2' \
      'zarr>=3' 'xarray>=2025.1' 'faiss-cpu>=1.9'; then
    echo "The packages cannot be installed" >&2
    exit 1
  fi
fi
"$python" -c '
import gi, numpy, pyarrow, ray, xarray, zarr
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
print("GStreamer", ".".join(map(str, Gst.version()[:3])))
for module in (numpy, pyarrow, ray, xarray, zarr):
    print(module.__name__, module.__version__)'
echo "$python"
