#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up meson's own count of every test program's cases.

    count_results.py BUILD/meson-logs [LOGBASE]

Prints "PASSED FAILED SKIPPED"; on standard error what was skipped, and why, and
what failed."""
import json
import os
import sys
from xml.etree import ElementTree


def read_unended(base):
    """Names of the programs that were stopped: no case of theirs tells of it."""
    with open(base + ".json", encoding="utf-8") as lines:
        return {test["name"] for test in map(json.loads, lines)
                if test["result"] in ("TIMEOUT", "INTERRUPT")}


def count(suite, unended):
    """(passed, failed, skipped) of one test program, or of all that have no
    cases of their own and are one themselves."""
    cases = suite.findall("testcase")
    skipped = [case for case in cases if case.find("skipped") is not None]
    bad = [case for case in cases if case.find("failure") is not None
           or case.find("error") is not None or case.get("name") in unended]
    for case in skipped:
        print("skipped:", case.get("name"), "-", case.findtext(
            "system-out", "no reason given"), file=sys.stderr)
    # A program that died says so of itself, not of a case.
    failed = max(len(bad), int(suite.get("failures")) + int(suite.get("errors")))
    if not cases or suite.get("name").partition(".")[2] in unended:
        failed += 1
    if failed:
        print("failed:", suite.get("name"),
              *[case.get("name") for case in bad], file=sys.stderr)
    return max(len(cases) - len(bad) - len(skipped), 0), failed, len(skipped)


def main():
    base = os.path.join(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "testlog")
    suites = ElementTree.parse(base + ".junit.xml").getroot()
    unended = read_unended(base)
    print(*map(sum, zip((0, 0, 0), *(count(suite, unended) for suite in suites))))


if __name__ == "__main__":
    main()
