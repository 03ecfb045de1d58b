# SPDX-License-Identifier: MIT
"""Near-equal videos and pictures, and the same stretch in different videos.

Two cells match where their cosine is at least `same`.  A stretch is a run of matches on
one diagonal, that is with one offset in time, with no more than `gap` cells without a
match between two.  Of the diagonals of two videos that of the greatest weight counts,
what overlaps it in both videos does not, and so on; a match weighs the more the further
its cosine is above `same`.  So of a scene that stands still, which matches itself at
many offsets, no place is told twice.

Exact: every pair of cells is compared, block by block; a cosine that is too near to
`same` for float32 is computed again in float64.  Of all matches only runs are kept, and
these until two blocks' videos are done."""
import collections

import numpy

import sequences as sequences_module
import vectors as vectors_module

# What a cosine of unit vectors of n numbers in float32 may be off by: n times this.
ERROR = 2.0 ** -23
# Matches that are looked for at a time.
CELLS_AT_A_TIME = 256
# Weights that differ by less are equal.
DIGITS = 6

# same: cosine; gap: cells; length: ns that a stretch has at least; whole: of both videos
# the share that a stretch covers of near-equal ones.
Rules = collections.namedtuple("Rules", "same gap length whole")
# first, second: numbers of files; start: ns in the first, other_start: in the second;
# length: ns; score: the mean cosine of what matches; is_whole: near-equal videos.
Stretch = collections.namedtuple(
    "Stretch", "first second start other_start length score is_whole")

# Of runs: Sequences' numbers, diagonal, first and last cell in the first sequence,
# matches, sum of their cosines.
_RUN = numpy.dtype([("a", "i8"), ("b", "i8"), ("diagonal", "i8"), ("start", "i8"),
                    ("end", "i8"), ("count", "i8"), ("sum", "f8")])
_NONE = numpy.empty(0, _RUN)


def exact(one, other, rows, columns):
    """Cosines in float64 of pairs of two blocks' vectors."""
    a = one.vectors[rows].astype(numpy.float64)
    b = other.vectors[columns].astype(numpy.float64)
    dots, first, second = (numpy.einsum("ij,ij->i", x, y) for x, y in ((a, b), (a, a), (b, b)))
    return dots / (numpy.sqrt(first) * numpy.sqrt(second))


def matches(one, other, same, pairs):
    """Yields (rows, columns, cosines) of those pairs of two blocks that match, some rows
    of the first at a time.  pairs: a function of two columns of owners, [n][1] and
    [1][m], that tells which are of interest."""
    error = one.vectors.shape[1] * ERROR
    for start in range(0, len(one.owner), CELLS_AT_A_TIME):
        end = start + CELLS_AT_A_TIME
        owner = one.owner[start:end, None]
        wanted = pairs(owner, other.owner[None]) & (owner >= 0) & (other.owner[None] >= 0)
        found = one.units[start:end] @ other.units.T
        rows, columns = numpy.nonzero((found >= same - error) & wanted)
        cosines = found[rows, columns].astype(numpy.float64)
        rows += start
        near = numpy.flatnonzero(cosines < same + error)
        cosines[near] = exact(one, other, rows[near], columns[near])
        good = cosines >= same
        yield rows[good], columns[good], cosines[good]


def join(runs, gap):
    """Runs of one diagonal with no more than `gap` cells between them are one."""
    if not len(runs):
        return runs
    runs = runs[numpy.lexsort((runs["start"], runs["diagonal"], runs["b"], runs["a"]))]
    before, after = runs[:-1], runs[1:]
    apart = after["start"] - before["end"] > gap + 1
    for name in ("a", "b", "diagonal"):
        apart |= before[name] != after[name]
    first = numpy.concatenate([[0], numpy.flatnonzero(apart) + 1])
    joined = runs[first].copy()
    joined["end"] = numpy.maximum.reduceat(runs["end"], first)
    for name in ("count", "sum"):
        joined[name] = numpy.add.reduceat(runs[name], first)
    return joined


def runs_of(one, other, rules):
    """Of two blocks: the runs of each pair of sequences, the first's number the lower."""
    found = [_NONE]
    for rows, columns, cosines in matches(one, other, rules.same, numpy.less):
        runs = numpy.empty(len(rows), _RUN)
        runs["a"], runs["b"] = one.owner[rows], other.owner[columns]
        runs["start"] = runs["end"] = one.cells[rows]
        runs["diagonal"] = other.cells[columns] - one.cells[rows]
        runs["count"], runs["sum"] = 1, cosines
        found.append(join(runs, rules.gap))
    return join(numpy.concatenate(found), rules.gap)


def weights(runs, same):
    # Where `same` is 1 each match counts alike.
    return numpy.round((runs["sum"] - same * runs["count"]) / max(1 - same, 1e-9)
                       + 1e-3 * runs["count"], DIGITS)


def choose(runs, rules):
    """Of the runs of one pair of videos those that count, the weightiest first."""
    order = numpy.lexsort((runs["start"], numpy.abs(runs["diagonal"]),
                           -weights(runs, rules.same)))
    chosen = []
    left = runs[order]
    while len(left):
        best, left = left[0], left[1:]
        chosen.append(best)
        shift = left["diagonal"] - best["diagonal"]
        is_clear = ((left["end"] < best["start"]) | (left["start"] > best["end"])
                    | (left["end"] + shift < best["start"])
                    | (left["start"] + shift > best["end"]))
        left = left[is_clear]
    return chosen


def stretch(run, sequences, step, rules):
    """None where it is too short to count."""
    first, second = sequences[run["a"]], sequences[run["b"]]
    cells = int(run["end"] - run["start"]) + 1
    shares = [cells / (int(one.cells.max()) + 1) for one in (first, second)]
    is_whole = min(shares) >= rules.whole
    if cells * step < rules.length and not is_whole:
        return None
    start = int(run["start"])
    return Stretch(first.part, second.part, first.start + start * step,
                   second.start + (start + int(run["diagonal"])) * step, cells * step,
                   float(run["sum"] / run["count"]), is_whole)


def long_enough(runs, sequences, step, rules):
    """Those that stretch() would not refuse, or might not."""
    cells = runs["end"] - runs["start"] + 1
    sizes = numpy.array([int(one.cells.max(initial=0)) + 1 for one in sequences])
    whole = cells >= rules.whole * numpy.maximum(sizes[runs["a"]], sizes[runs["b"]])
    return runs[(cells * step >= rules.length) | whole]


def pairs_of_groups(groups):
    return [(i, j) for i in range(len(groups)) for j in range(i, len(groups))
            # A long video alone in its group is not compared with itself.
            if i != j or len(groups[i]) == 1]


def stretches(vectors, step, rules, report=lambda done, total: None):
    """Yields each Stretch, of two videos the weightiest first.  step: ns, of a cell."""
    sequences = [sequences_module.sequence(number, vectors.times(part), step)
                 for number, part in enumerate(vectors.parts) if not part.pictures]
    groups = sequences_module.layouts(sequences)
    blocks = sequences_module.Blocks(vectors, sequences)
    pairs = pairs_of_groups(groups)
    for done, (i, j) in enumerate(pairs):
        report(done, len(pairs))
        found = _NONE
        for one in groups[i]:
            for other in groups[j]:
                found = join(numpy.concatenate([found, runs_of(
                    blocks.load(one), blocks.load(other), rules)]), rules.gap)
        found = long_enough(found, sequences, step, rules)
        # They are in the order of their pairs.
        ends = numpy.flatnonzero(numpy.diff(found["a"]) | numpy.diff(found["b"])) + 1
        for runs in numpy.split(found, ends):
            for run in choose(runs, rules):
                told = stretch(run, sequences, step, rules)
                if told:
                    yield told
    report(len(pairs), len(pairs))


def _root(parent, item):
    while parent[item] != item:
        item = parent[item]
    return item


class Groups:
    """What is connected, over however many others, is a group; of things that have
    numbers below `count`."""

    def __init__(self, count):
        self._label = numpy.arange(count)

    def connect(self, ones, others):
        """Two arrays of numbers, in pairs."""
        pairs = numpy.unique(numpy.stack([self._label[ones], self._label[others]]), axis=1)
        pairs = pairs[:, pairs[0] != pairs[1]]
        if not pairs.size:
            return
        parent = numpy.arange(len(self._label))
        for one, other in pairs.T.tolist():
            one, other = sorted(_root(parent, at) for at in (one, other))
            parent[other] = one
        while (parent != parent[parent]).any():
            parent = parent[parent]
        self._label = parent[self._label]

    def all(self):
        """Ascending lists, of two and more."""
        found = collections.defaultdict(list)
        for number, label in enumerate(self._label.tolist()):
            found[label].append(number)
        return [group for group in found.values() if len(group) > 1]


def equal_pictures(vectors, same, report=lambda done, total: None):
    """Lists of (number of file, row) of pictures that are near-equal, each to one of its
    list at least."""
    sequences = [sequences_module.pictures(number, part.rows)
                 for number, part in enumerate(vectors.parts) if part.pictures]
    before = numpy.cumsum([0] + [len(one.rows) for one in sequences])
    layouts = [layout for group in sequences_module.layouts(sequences) for layout in group]
    blocks, groups = sequences_module.Blocks(vectors, sequences), Groups(int(before[-1]))
    pairs = [(i, j) for i in range(len(layouts)) for j in range(i, len(layouts))]
    for done, (i, j) in enumerate(pairs):
        report(done, len(pairs))
        one, other = blocks.load(layouts[i]), blocks.load(layouts[j])
        for rows, columns, _ in matches(one, other, same, lambda a, b: (a >= 0) & (b >= 0)):
            groups.connect(before[one.owner[rows]] + one.cells[rows],
                           before[other.owner[columns]] + other.cells[columns])
    report(len(pairs), len(pairs))
    owner = numpy.searchsorted(before, numpy.arange(before[-1]), "right") - 1
    return [[(sequences[owner[at]].part, int(at - before[owner[at]])) for at in group]
            for group in groups.all()]
