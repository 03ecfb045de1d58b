# SPDX-License-Identifier: MIT
"""TAP on standard output, of functions that raise AssertionError where they fail, and
unittest.SkipTest where they cannot be run."""
import time
import traceback
import unittest


def run(checks):
    """checks: [(what is so, function)].  Returns whether all hold."""
    good = True
    print(f"1..{len(checks)}", flush=True)
    for name, check in checks:
        start = time.monotonic()
        try:
            check()
        except unittest.SkipTest as reason:
            print(f"ok - {name} # SKIP {reason}", flush=True)
        except Exception:
            good = False
            print("not ok -", name, flush=True)
            for line in traceback.format_exc().splitlines():
                print("#", line, flush=True)
        else:
            print(f"ok - {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return good
