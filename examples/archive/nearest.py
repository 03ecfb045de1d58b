# SPDX-License-Identifier: MIT
"""The frames nearest to a vector by cosine, neighbours in time merged into hits.

Exact: every row is looked at, in float64.  Frames are taken in the order of their
cosines.  One that lies within `merge` ns of a hit of its video belongs to it, and
lengthens its stretch unless its cosine is more than `within` below the hit's best;
one that is near none is a hit of its own.  It ends where a hit would be one too many.
Of equal cosines the earlier file and row comes first.  Frames without a time, and
pictures, are each a hit.  Vectors without a direction, zero or not finite, are none.

Of the files only those rows are kept that may still count."""
import collections
import concurrent.futures
import itertools
import math
import os

import numpy

import vectors as vectors_module

# Rows that are widened to float64 at a time, so that they stay in the processor's cache.
ROWS_WIDENED = 1024
# So that the same vector has the same cosine in every block.
DIGITS = 12

# part: number of the file; row: of the best frame in it; score: its cosine; first,
# last: of the stretch, in ns, -1 without times.
Hit = collections.namedtuple("Hit", "part row score first last")
# merge: ns; within, least: cosines.
Rules = collections.namedtuple("Rules", "n merge within least", defaults=(-math.inf,))


def direction(query):
    """A float64 vector of length 1, of any vector that has a direction."""
    query = numpy.asarray(query, numpy.float64).ravel()
    greatest = numpy.abs(query).max(initial=0.0)
    if not 0 < greatest < math.inf:
        raise vectors_module.Refused("the query's vector is zero or not finite: "
                                     "it has no direction")
    query = query / greatest
    return query / numpy.sqrt(query @ query)


def cosines(vectors, query):
    """float64 [n] of float32 [n][dim] and a direction; NaN of what has none."""
    found = numpy.empty(len(vectors))
    for start in range(0, len(vectors), ROWS_WIDENED):
        wide = vectors[start:start + ROWS_WIDENED].astype(numpy.float64)
        lengths = numpy.sqrt(numpy.einsum("ij,ij->i", wide, wide))
        with numpy.errstate(invalid="ignore", divide="ignore"):
            found[start:start + ROWS_WIDENED] = wide @ query / lengths
    return numpy.round(found, DIGITS)


class _Run:
    """A hit that grows."""

    def __init__(self, row, score, time):
        self.row, self.score, self.first, self.last = row, score, time, time

    def is_near(self, time, merge):
        return self.first >= 0 and self.first - merge <= time <= self.last + merge

    def join(self, time):
        self.first, self.last = min(self.first, time), max(self.last, time)


def _in_order(rows, scores):
    return numpy.lexsort((rows, -scores))


def grow(rows, scores, times, rules):
    """The hits of one video, of frames in their order.  Yields (place in the order, runs
    then, 1 or -1: one more, or one less) whenever their number changes, and ends after
    that of one too many."""
    runs = []
    triples = zip(rows.tolist(), scores.tolist(), times.tolist())
    for place, (row, score, time) in enumerate(triples):
        near = [run for run in runs if run.is_near(time, rules.merge)] if time >= 0 else []
        if not near:
            runs.append(_Run(row, score, time))
            yield place, runs, 1
            if len(runs) > rules.n:
                return
            continue
        # In the order in which they began: the best first.
        joined = [run for run in near if score >= run.score - rules.within]
        for run in joined[:1]:
            run.join(time)
        for other in joined[1:]:
            joined[0].join(other.first)
            joined[0].join(other.last)
            runs.remove(other)
            yield place, runs, -1


class Best:
    """Takes files one by one, in any order, and knows the best hits of all so far."""

    def __init__(self, rules):
        self.rules, self.floor = rules, rules.least
        self._changes = []      # (-score, part, row, place, 1 or -1), sorted
        self._kept = {}         # part: (rows, scores, times), in their order
        self._end = None        # the change of one hit too many

    def take(self, part, scores, times):
        """Of all rows of a file."""
        with numpy.errstate(invalid="ignore"):
            rows = numpy.flatnonzero(scores >= self.floor)
        if not len(rows):
            return
        rows = rows[_in_order(rows, scores[rows])]
        kept = rows, scores[rows], times[rows]
        changes = [(-kept[1][place], part, int(kept[0][place]), place, step)
                   for place, _, step in grow(*kept, self.rules)]
        self._kept[part] = kept
        self._changes = sorted(self._changes + changes, key=lambda change: change[:4])
        self._cut()

    def _cut(self):
        """Forgets what can no longer count."""
        counts = itertools.accumulate(change[-1] for change in self._changes)
        end = next((i for i, count in enumerate(counts) if count > self.rules.n), None)
        if end is None:
            return
        self._end = self._changes[end]
        self._changes = self._changes[:end + 1]
        self.floor = -self._end[0]
        counted = {change[1] for change in self._changes}
        self._kept = {part: self._above(kept) for part, kept in self._kept.items()
                      if part in counted}

    def _above(self, kept):
        count = int(numpy.searchsorted(-kept[1], -self.floor, "right"))
        return kept if count == len(kept[1]) else tuple(column[:count].copy() for column in kept)

    def _before_end(self, part, kept):
        """Those of a file that come before the hit that is one too many."""
        if self._end is None:
            return kept
        at = [(-score, part, row) < self._end[:3]
              for row, score in zip(kept[0].tolist(), kept[1].tolist())]
        return tuple(column[:sum(at)] for column in kept)

    def hits(self):
        """The best first."""
        found = []
        for part, kept in self._kept.items():
            runs = []
            for _, runs, _ in grow(*self._before_end(part, kept), self.rules):
                pass
            found += [Hit(part, run.row, run.score, run.first, run.last) for run in runs]
        return sorted(found, key=lambda hit: (-hit.score, hit.part, hit.row))


def score_part(vectors, part, query):
    """(cosines, times) of all rows of a file; no more than a block of it is in memory."""
    scores, times = [], []
    for batch in vectors.blocks(part, ("embedding", "stream_time", "pts")):
        scores.append(cosines(vectors_module.matrix(batch["embedding"]), query))
        times.append(vectors_module.times_of(batch))
    if not scores:
        return numpy.empty(0), numpy.empty(0, numpy.int64)
    times = numpy.concatenate(times)
    return numpy.concatenate(scores), numpy.full_like(times, -1) if part.pictures else times


def search(vectors, query, rules, numbers=None, report=lambda rows: None):
    """Hits, the best first.  numbers: of the files to look at, None: all.  report: is
    told how many rows were looked at so far."""
    numbers = range(len(vectors.parts)) if numbers is None else sorted(numbers)
    best, waiting, seen = Best(rules), collections.deque(), 0
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        left = iter(numbers)
        while True:
            for number in itertools.islice(left, 2 * workers - len(waiting)):
                waiting.append((number, pool.submit(
                    score_part, vectors, vectors.parts[number], query)))
            if not waiting:
                return best.hits()
            number, scored = waiting.popleft()
            best.take(number, *scored.result())
            seen += vectors.parts[number].rows
            report(seen)
