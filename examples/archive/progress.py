# SPDX-License-Identifier: MIT
"""A line on standard error that tells how far an archive is."""
import sys
import time

# Seconds between two lines, on a terminal and elsewhere.
ON_TERMINAL, ELSEWHERE = 0.5, 10
# Of the last so many seconds is the speed.
RECENT = 60


def span(seconds):
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


class Progress:
    """total, size: videos and pictures to be done, and their bytes, of which time left
    is reckoned: they are known without opening a file."""

    def __init__(self, total, size, stream=sys.stderr):
        self.total, self.size = total, size
        self.done = self.bytes = self.rows = self.frames = self.errors = 0
        self._stream, self._begin = stream, time.monotonic()
        self._often = ON_TERMINAL if stream.isatty() else ELSEWHERE
        self._last, self._seen = 0.0, [(self._begin, 0)]

    def add(self, done=0, size=0, rows=0, frames=0, errors=0):
        """frames: decoded, whether they have a row or not."""
        self.done += done
        self.bytes += max(size, 0)
        self.rows += rows
        self.frames += frames
        self.errors += errors

    def _speed(self, now, frames):
        self._seen.append((now, frames))
        while len(self._seen) > 2 and now - self._seen[1][0] > RECENT:
            self._seen.pop(0)
        (then, before), = self._seen[:1]
        return (frames - before) / max(now - then, 1e-3)

    def text(self, running):
        """running: [(rows, frames, bytes)] of what is not done yet."""
        now = time.monotonic()
        rows = self.rows + sum(more for more, _, _ in running)
        frames = self.frames + sum(more for _, more, _ in running)
        size = self.bytes + sum(more for _, _, more in running)
        elapsed = now - self._begin
        share = size / self.size if self.size else self.done / max(self.total, 1)
        left = span(elapsed * (1 - min(share, 1)) / share) if share else "unknown"
        return (f"{self.done} of {self.total}, {self.errors} bad, {rows} rows,"
                f" {self._speed(now, frames):.1f} frames a second, {span(elapsed)}, left {left}")

    def show(self, running=(), last=False):
        now = time.monotonic()
        if not last and now - self._last < self._often:
            return
        self._last = now
        start, end = ("\r", "\x1b[K") if self._stream.isatty() else ("", "\n")
        self._stream.write(start + self.text(running) + end + "\n" * (last and end != "\n"))
        self._stream.flush()
