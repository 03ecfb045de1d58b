#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the programs of examples/archive say where their packages are not.  TAP on standard
output.

    test_packages.py SOURCE_ROOT"""
import os
import subprocess
import sys

import tap

SOURCE = os.path.abspath(sys.argv[1])
PROGRAMS = {"index.py": ["/", "--model", "none", "--out", "/nowhere"],
            "search.py": ["/", "--vector", "none.npy"]}


def check_missing():
    for program, arguments in PROGRAMS.items():
        # -S: without the packages that are installed.
        done = subprocess.run(
            [sys.executable, "-B", "-S", os.path.join(SOURCE, "examples/archive", program),
             *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done
        assert "has no numpy, pyarrow" in done.stderr, done.stderr
        assert "environment.sh" in done.stderr and "Traceback" not in done.stderr, done.stderr


if __name__ == "__main__":
    sys.exit(not tap.run([("a package that is missing is named", check_missing)]))
