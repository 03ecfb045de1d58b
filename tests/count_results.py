#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up meson's own count of every test program's cases.

    count_results.py BUILD/meson-logs/testlog.junit.xml

Prints "PASSED FAILED SKIPPED"; on standard error what was skipped, and why."""
import sys
from xml.etree import ElementTree


def is_bad(case):
    return case.find("failure") is not None or case.find("error") is not None


def count(suite):
    """(passed, failed, skipped) of one test program."""
    cases = suite.findall("testcase")
    skipped = [case for case in cases if case.find("skipped") is not None]
    for case in skipped:
        print("skipped:", case.get("name"), "-", case.findtext(
            "system-out", "no reason given"), file=sys.stderr)
    # A program that died says so of itself, not of a case.
    failed = max(sum(map(is_bad, cases)),
                 int(suite.get("failures", 0)) + int(suite.get("errors", 0)))
    if not cases:
        failed = max(failed, 1)
    return max(len(cases) - failed - len(skipped), 0), failed, len(skipped)


def main():
    suites = ElementTree.parse(sys.argv[1]).getroot()
    print(*map(sum, zip((0, 0, 0), *map(count, suites))))


if __name__ == "__main__":
    main()
