# SPDX-License-Identifier: MIT
"""The videos of an index folder as sequences of cells of equal length in time, and the
blocks of unit vectors in which they are compared.

A video's cells are counted from its first row.  The row nearest to the middle of a cell
stands for it; a cell without a row is left out, and so are rows without a time.  So
videos that were sampled by the same rule, or by others, go together."""
import collections
import functools

import numpy

import vectors as vectors_module

# Cells in a block: the cosines of two blocks take 64 MiB.
CELLS = 4096
BLOCKS_KEPT = 8
# Of a video without any time between its rows.
NO_STEP = 10**9

# part: number of the file; rows: of its cells, ascending; cells: their numbers; start:
# of cell 0, in ns.
Sequence = collections.namedtuple("Sequence", "part rows cells start")
# vectors: float32 [n][dim], as in the index; units: of length 1; owner: of each row the
# Sequence's number, -1 where it has no direction; cells: its cell.
Block = collections.namedtuple("Block", "vectors units owner cells")


def median_step(times):
    """ns between rows; 0 of a video with one."""
    steps = numpy.diff(numpy.sort(times[times >= 0]))
    steps = steps[steps > 0]
    return int(numpy.median(steps)) if len(steps) else 0


def usual_step(vectors):
    """Of the index's setting, else the median of the videos'."""
    every = vectors.settings.get("every", 0)
    if every:
        return every
    steps = [median_step(vectors.times(part)) for part in vectors.parts if not part.pictures]
    steps = [step for step in steps if step]
    return int(numpy.median(steps)) if steps else NO_STEP


def sequence(part, times, step):
    """The Sequence of a video of these times."""
    rows = numpy.flatnonzero(times >= 0)
    if not len(rows):
        return Sequence(part, rows, rows, 0)
    start = int(times[rows].min())
    since = times[rows] - start
    cells = (since + step // 2) // step
    order = numpy.lexsort((rows, numpy.abs(since - cells * step), cells))
    _, first = numpy.unique(cells[order], return_index=True)
    chosen = order[first]
    # In the file's order, so that reading them goes one way; it is the order of time
    # but of broken files.
    chosen = chosen[numpy.argsort(rows[chosen])]
    return Sequence(part, rows[chosen], cells[chosen], start)


def pictures(part, rows):
    """Each a cell; the numbers mean nothing."""
    every = numpy.arange(rows)
    return Sequence(part, every, every, 0)


def layouts(sequences, cells=CELLS):
    """Groups of blocks, each a tuple of (Sequence's number, from, to) that lie in it one
    after another, all in the sequences' order.  Short ones share a block, alone in its
    group; the blocks of a long one are a group."""
    groups, shared, filled = [], [], 0
    for number, one in enumerate(sequences):
        count = len(one.rows)
        if shared and filled + count > cells:
            groups.append([tuple(shared)])
            shared, filled = [], 0
        if count > cells:
            groups.append([((number, start, min(start + cells, count)),)
                           for start in range(0, count, cells)])
        elif count:
            shared.append((number, 0, count))
            filled += count
    if shared:
        groups.append([tuple(shared)])
    return groups


class Blocks:
    """Reads blocks, and keeps the last few."""

    def __init__(self, vectors, sequences):
        self.vectors, self.sequences = vectors, sequences
        self.without_direction = set()      # (part, row)
        self.load = functools.lru_cache(maxsize=BLOCKS_KEPT)(self._load)

    def _load(self, layout):
        return Block(*map(numpy.concatenate, zip(*(self._read(*piece) for piece in layout))))

    def _read(self, number, start, end):
        one = self.sequences[number]
        rows = one.rows[start:end]
        read = self.vectors.take(self.vectors.parts[one.part], rows, ["embedding"])
        vectors = vectors_module.matrix(read["embedding"].combine_chunks())
        units, good = vectors_module.units(vectors)
        self.without_direction.update((one.part, row) for row in rows[~good].tolist())
        return vectors, units, numpy.where(good, number, -1), one.cells[start:end]
