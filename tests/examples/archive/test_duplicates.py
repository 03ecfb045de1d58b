#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Planted copies and stretches are found where they were planted, and nothing else; and
runs of matches are those of a definition written down anew, in pure Python's floats.
TAP on standard output.

    test_duplicates.py SOURCE_ROOT"""
import math
import sys
import tempfile

import numpy

import synthetic
import tap
from synthetic import SECOND

DIM = 24


def scenes(chance, count, longest=6):
    """Vectors of a video: scenes of a few frames, all unlike each other, the frames of
    one alike."""
    vectors = []
    while len(vectors) < count:
        scene = chance.standard_normal(DIM)
        vectors += [scene + 0.05 * chance.standard_normal(DIM)
                    for _ in range(chance.integers(1, longest))]
    return numpy.array(vectors[:count], numpy.float32)


def again(chance, vectors, noise=0.01):
    """As after another encoder."""
    return (vectors + noise * chance.standard_normal(vectors.shape)).astype(numpy.float32)


def every(count, step=SECOND, start=0):
    return [start + i * step for i in range(count)]


def stretches_of(videos, rules, step=None):
    """[(first, second, start, other_start, length, is_whole)], and the Stretches."""
    import duplicates
    import sequences
    from vectors import Vectors

    with tempfile.TemporaryDirectory() as folder:
        for i, (vectors, times) in enumerate(videos):
            synthetic.write(folder, f"{i:03d}", synthetic.rows_of(f"/{i}.mp4", vectors, times))
        index = Vectors(folder)
        found = list(duplicates.stretches(index, step or sequences.usual_step(index), rules))
    return [(one.first, one.second, one.start, one.other_start, one.length, one.is_whole)
            for one in found], found


def rules(**more):
    import duplicates
    return duplicates.Rules(**{"same": 0.97, "gap": 1, "length": 5 * SECOND, "whole": 0.9,
                               **more})


def plant(chance):
    """Ten videos; 3 is a copy of 1; 20 s of 2, from 30 s on, lie in 5 at 7 s and in 8 at
    100 s; 4 s of 6, too few, lie in 7."""
    videos = [(scenes(chance, n), every(n)) for n in (50, 80, 90, 1, 40, 60, 30, 70, 130, 20)]
    videos[3] = (again(chance, videos[1][0]), videos[1][1])
    stretch = videos[2][0][30:50]
    videos[5][0][7:27] = again(chance, stretch)
    videos[8][0][100:120] = again(chance, stretch)
    videos[7][0][5:9] = again(chance, videos[6][0][10:14])
    expected = [(1, 3, 0, 0, 80, True), (2, 5, 30, 7, 20, False), (2, 8, 30, 100, 20, False),
                (5, 8, 7, 100, 20, False)]
    return videos, [(a, b, s * SECOND, o * SECOND, n * SECOND, whole)
                    for a, b, s, o, n, whole in expected]


def test_planted():
    import sequences

    cells = sequences.layouts.__defaults__
    for seed in range(2):
        videos, expected = plant(numpy.random.default_rng(seed))
        # In one block; in many; each long video in several.
        for size in (4096, 100, 32):
            sequences.layouts.__defaults__ = (size,)
            try:
                found, told = stretches_of(videos, rules())
            finally:
                sequences.layouts.__defaults__ = cells
            assert sorted(found) == expected, (seed, size, found)
            assert all(0.97 < one.score <= 1 + 1e-6 for one in told), told


def test_times():
    """Another frame rate, a start that is not 0, frames missing, rows out of order."""
    chance = numpy.random.default_rng(3)
    first = scenes(chance, 60, longest=2)
    whole = scenes(chance, 80, longest=2)
    whole[20:70] = again(chance, first[5:55])
    times = [time + int(chance.integers(0, SECOND // 25)) for time in every(80, start=7 * SECOND)]
    keep = [i for i in range(80) if i not in (30, 45)]
    keep[3], keep[4] = keep[4], keep[3]
    found, _ = stretches_of([(first, every(60)), (whole[keep], [times[i] for i in keep])],
                            rules())
    (a, b, start, other, length, is_whole), = found
    assert (a, b, start, length, is_whole) == (0, 1, 5 * SECOND, 50 * SECOND, False), found
    assert abs(other - 27 * SECOND) <= SECOND // 25, found


def test_rate():
    """25 and 30 frames a second of the same scenes, each frame in the index."""
    chance = numpy.random.default_rng(4)
    seconds = scenes(chance, 12, longest=2)

    def sampled(rate, start, end):
        times = [round(i * SECOND / rate) for i in range(round((end - start) * rate))]
        at = [start + time / SECOND for time in times]
        return numpy.array([seconds[int(t)] * (1 - t % 1) + seconds[int(t) + 1] * (t % 1)
                            for t in at], numpy.float32), times
    videos = [sampled(25, 0, 11), sampled(30, 2, 9)]
    found, _ = stretches_of(videos, rules(length=3 * SECOND, same=0.95), step=SECOND // 5)
    (a, b, start, other, length, is_whole), = found
    assert (a, b, is_whole) == (0, 1, False), found
    assert abs(start - other - 2 * SECOND) <= SECOND // 5, found
    assert abs(length - 7 * SECOND) <= SECOND // 5, found


def test_still():
    """Two still videos match at every offset: nothing in either is told twice for one
    place of the other."""
    still = numpy.ones((30, DIM), numpy.float32)
    found, _ = stretches_of([(still[:29], every(29)), (still, every(30))], rules())
    assert found == [(0, 1, 0, 0, 29 * SECOND, True)], found
    found, _ = stretches_of([(still[:12], every(12)), (still, every(30))], rules())
    assert [(start, length) for _, _, _, start, length, _ in found] == [
        (0, 12 * SECOND), (12 * SECOND, 12 * SECOND), (24 * SECOND, 6 * SECOND)], found


def test_none():
    """Nothing among videos that share nothing, nor in frames without a direction."""
    chance = numpy.random.default_rng(5)
    videos = [(scenes(chance, 200), every(200)) for _ in range(8)]
    videos += [(numpy.zeros((20, DIM), numpy.float32), every(20)) for _ in range(2)]
    videos += [(numpy.full((20, DIM), numpy.nan, numpy.float32), every(20)) for _ in range(2)]
    found, _ = stretches_of(videos, rules())
    assert found == [], found


def runs_defined(one, other, rules_):
    """{(diagonal, start, end, count)} of two videos with a row in every second."""
    matched = {}
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            dot = math.fsum(float(x) * float(y) for x, y in zip(a, b))
            lengths = [math.sqrt(math.fsum(float(x) ** 2 for x in v)) for v in (a, b)]
            if dot / lengths[0] / lengths[1] >= rules_.same:
                matched.setdefault(j - i, []).append(i)
    runs = set()
    for diagonal, starts in matched.items():
        run = [starts[0]]
        for i in starts[1:] + [math.inf]:
            if i - run[-1] > rules_.gap + 1:
                runs.add((diagonal, run[0], run[-1], len(run)))
                run = []
            run.append(i)
    return runs


def test_runs():
    """Each, at thresholds that many cosines lie at exactly or near."""
    import duplicates
    import sequences
    from vectors import Vectors

    chance = numpy.random.default_rng(6)
    # Of few values, so that cosines are equal.
    one, other = (chance.integers(-1, 2, (40, 4)).astype(numpy.float32) + [3, 0, 0, 0]
                  for _ in range(2))
    one, other = one.astype(numpy.float32), other.astype(numpy.float32)
    with tempfile.TemporaryDirectory() as folder:
        for i, vectors in enumerate((one, other)):
            synthetic.write(folder, str(i), synthetic.rows_of(
                f"/{i}.mp4", vectors, every(40)))
        index = Vectors(folder)
        cells = [sequences.sequence(i, index.times(part), SECOND)
                 for i, part in enumerate(index.parts)]
        (layout,), = sequences.layouts(cells)
        block = sequences.Blocks(index, cells).load(layout)
        for same in (0.8, 0.9, 0.9 + 1e-7, 0.95, 0.99):
            for gap in (0, 1, 3):
                which = rules(same=same, gap=gap)
                found = duplicates.runs_of(block, block, which)
                as_found = {(int(run["diagonal"]), int(run["start"]), int(run["end"]),
                             int(run["count"])) for run in found}
                assert as_found == runs_defined(one, other, which), (same, gap)
                assert len(as_found) == len(found) > 0


def test_pictures():
    import duplicates
    from vectors import Vectors

    chance = numpy.random.default_rng(8)
    pictures = chance.standard_normal((30, DIM)).astype(numpy.float32)
    for a, b in ((3, 17), (17, 22), (5, 6)):
        pictures[b] = again(chance, pictures[a:a + 1])[0]
    pictures[[9, 10]] = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in (0, 10, 20):
            rows = [row for i in range(start, start + 10)
                    for row in synthetic.rows_of(f"/{i}.png", [pictures[i]], [None])]
            synthetic.write(folder, f"p{start}", rows, pictures=True)
        synthetic.write(folder, "video", synthetic.rows_of("/v.mp4", pictures, every(30)))
        found = duplicates.equal_pictures(Vectors(folder), 0.98)
    assert found == [[(0, 3), (1, 7), (2, 2)], [(0, 5), (0, 6)]], found


def test_groups():
    """Over many others, in any order."""
    import duplicates

    chance = numpy.random.default_rng(9)
    groups = duplicates.Groups(1000)
    order = chance.permutation(300)
    pairs = numpy.stack([order[:-1], order[1:]])[:, chance.permutation(299)]
    for part in numpy.array_split(pairs, 7, axis=1):
        groups.connect(*part)
    groups.connect(numpy.array([400, 500]), numpy.array([401, 400]))
    assert groups.all() == [list(range(300)), [400, 401, 500]]


def main():
    synthetic.use(sys.argv[1])
    return not tap.run([
        ("copies and stretches are found where they are", test_planted),
        ("times decide, not numbers of frames", test_times),
        ("videos of other frame rates match", test_rate),
        ("of still videos no place is told twice", test_still),
        ("nothing is found where there is nothing", test_none),
        ("runs are those of the definition", test_runs),
        ("near-equal pictures are grouped", test_pictures),
        ("groups are what is connected", test_groups),
    ])


if __name__ == "__main__":
    sys.exit(main())
