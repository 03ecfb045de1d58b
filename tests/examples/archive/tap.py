# SPDX-License-Identifier: MIT
"""TAP on standard output, of functions that raise AssertionError where they fail."""
import time
import traceback


def run(checks):
    """checks: [(what is so, function)].  Returns whether all hold."""
    good = True
    print(f"1..{len(checks)}", flush=True)
    for name, check in checks:
        start = time.monotonic()
        try:
            check()
        except Exception:
            good = False
            print("not ok -", name, flush=True)
            for line in traceback.format_exc().splitlines():
                print("#", line, flush=True)
        else:
            print(f"ok - {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return good
