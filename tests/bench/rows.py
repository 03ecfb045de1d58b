# SPDX-License-Identifier: MIT
"""What table.py and encoder.py time, and how a line of the table looks."""

import os
import statistics
import subprocess
import sys

ROUNDS = 7


class Program:
    """A program that answers each line with a line."""

    def __init__(self, argv, env=None):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, env={**os.environ, **(env or {})})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args[0]} ended at: {words}")
        return answer.split()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Row:
    """One line of the table: `take` times it once and returns seconds and a
    peak, as multiply-adds a second."""

    def __init__(self, name, kind, take, products, frame, error="-", note=""):
        self.name, self.kind, self.take = name, kind, take
        self.products, self.frame, self.error = products, frame, error
        self.note, self.seconds, self.peaks = note.replace("_", " "), [], []

    def measure(self):
        seconds, peak = self.take()
        self.seconds.append(seconds)
        if peak and self.products:
            self.peaks.append(peak)

    def print(self, reference):
        share = "    -     -"
        if self.peaks:
            share = "%5.2f %5.2f" % (
                statistics.median(self.products / seconds / peak
                                  for seconds, peak
                                  in zip(self.seconds, self.peaks)),
                self.products / min(self.seconds) / max(self.peaks))
        times = "     -"
        if reference:
            ratio = statistics.median(
                a / b for a, b in zip(self.seconds, reference.seconds))
            times = f"{ratio:6.2f}"
        print(f"  {self.name:<38} {self.kind:<5} {self.frame:<6}"
              f"{statistics.median(self.seconds) * 1e3:9.2f} "
              f"{min(self.seconds) * 1e3:9.2f} {share} {times}"
              f"  {self.error:<9} {self.note}", flush=True)


def print_head(what):
    print(f"\n  {'':<38} {'':<5} {what:<6}{'ms':>9} {'least':>9} {'peak':>5} "
          f"{'best':>5} {'times':>6}  error")
