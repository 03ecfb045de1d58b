# SPDX-License-Identifier: MIT
"""Which frames of a video, or of a slice of it, are looked at.

Of every `every` ns of the video the first frame is.  A slice begins at a multiple of
that, so its own frames tell which of them are, and the slices of a video together
choose those that the whole would."""


class Choice:
    """every: ns, 0: all frames.  start, end: of a slice, multiples of `every`, in ns of
    the video; None: from its first, to its last frame.

    counted: frames in the slice so far, chosen or not.
    ended: whether a frame behind the slice came.  The first of these is chosen too: the
    next slice must begin with it, or the two do not fit together."""

    def __init__(self, every, start=None, end=None):
        self.every, self.start, self.end = every, start, end
        self.counted, self.ended = 0, False
        self._step = None

    def takes(self, time):
        """Of each decoded frame in turn: whether it is looked at.  time: its position in
        the video in ns; a frame that has none, None, always is."""
        if time is not None and self.start is not None and time < self.start:
            return False
        if time is not None and self.end is not None and time >= self.end:
            first, self.ended = not self.ended, True
            return first
        self.counted += 1
        if time is None or not self.every:
            return True
        step, before = time // self.every, self._step
        self._step = step
        return step != before


def slices(duration, length, every):
    """[(start, end)] of a video of `duration` ns, each of `length` ns rounded up to a
    multiple of `every`; the first has no start, the last no end.  No more than one where
    the video is not half as long again as a slice."""
    if every:
        length = -(-length // every) * every
    if not length or duration < length + length // 2:
        return [(None, None)]
    starts = list(range(0, duration - length // 2, length))
    return [(start or None, end) for start, end in zip(starts, starts[1:] + [None])]
