# SPDX-License-Identifier: MIT
"""Packages that the programs of this folder take, where Python has none by itself.  A
program asks for them before it imports what takes them."""
import importlib.util
import sys


def require(*names):
    """Ends the program with a sentence where one is not installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{sys.executable} has no {', '.join(missing)}. sh examples/archive/environment.sh"
                 " makes a Python that has all this takes.")
