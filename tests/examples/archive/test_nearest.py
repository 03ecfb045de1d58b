#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The nearest frames of made-up vectors are those of a definition written down anew, in
pure Python's floats; and what cannot be searched is refused.  TAP on standard output.

    test_nearest.py SOURCE_ROOT"""
import contextlib
import io
import math
import os
import random
import sys
import tempfile

import numpy

import synthetic
import tap
from synthetic import SECOND


def cosine(vector, query):
    dot = math.fsum(float(a) * float(b) for a, b in zip(vector, query))
    lengths = [math.sqrt(math.fsum(float(a) ** 2 for a in one)) for one in (vector, query)]
    if not all(0 < length < math.inf for length in lengths):
        return None
    return dot / lengths[0] / lengths[1]


def defined(videos, query, n, merge, within, least=-math.inf):
    """[(video, row, first, last, score)] of [(name, vectors, times)], as documented."""
    frames = []
    for number, (_, vectors, times) in enumerate(videos):
        for row, (vector, time) in enumerate(zip(vectors, times)):
            score = cosine(vector, query)
            if score is not None and round(score, 12) >= least:
                frames.append((-round(score, 12), number, row, time))
    hits = []
    for score, number, row, time in sorted(frames, key=lambda frame: frame[:3]):
        near = [hit for hit in hits if time is not None and hit[0] == number
                and hit[2] is not None and hit[2] - merge <= time <= hit[3] + merge]
        if not near:
            if len(hits) == n:
                break
            hits.append([number, row, time, time, -score])
        joined = [hit for hit in near if -score >= hit[4] - within]
        if joined:
            into = joined[0]
            into[2] = min([time] + [hit[2] for hit in joined])
            into[3] = max([time] + [hit[3] for hit in joined])
            for hit in joined[1:]:
                hits.remove(hit)
    hits.sort(key=lambda hit: (-hit[4], hit[0], hit[1]))
    return hits


def wander(chance, count, dim, step):
    """Vectors that change from one to the next, as a video's do."""
    steps = chance.standard_normal((count, dim)) * step
    steps[0] = chance.standard_normal(dim)
    return numpy.cumsum(steps, 0).astype(numpy.float32)


def some_videos(seed, count=6, dim=12):
    chance = numpy.random.default_rng(seed)
    videos = []
    for i in range(count):
        length = int(chance.integers(1, 60))
        times = numpy.cumsum(chance.integers(1, 3 * SECOND, length)).tolist()
        vectors = wander(chance, length, dim, 0.3)
        if i == 1:      # equal frames, so that cosines are
            vectors[length // 2:] = vectors[0]
        if i == 2:
            times[::3] = [None] * len(times[::3])
        videos.append((f"/videos/{i}.mp4", vectors, times))
    videos.append(("/videos/copy.mp4", videos[0][1].copy(), list(videos[0][2])))
    return videos


def save(folder, videos):
    for i, (name, vectors, times) in enumerate(videos):
        synthetic.write(folder, f"{i:03d}", synthetic.rows_of(name, vectors, times))


def compare(videos, query, n, merge, within, least=-math.inf):
    import nearest
    from vectors import Vectors

    with tempfile.TemporaryDirectory() as folder:
        save(folder, videos)
        found = nearest.search(Vectors(folder), nearest.direction(query),
                               nearest.Rules(n, merge, within, least))
    expected = defined(videos, query, n, merge, within, least)
    as_found = [(hit.part, hit.row, *(None if time < 0 else time
                                      for time in (hit.first, hit.last))) for hit in found]
    assert as_found == [tuple(hit[:4]) for hit in expected], (as_found, expected)
    for hit, (*_, score) in zip(found, expected):
        assert abs(hit.score - score) < 1e-11, (hit.score, score)


def test_defined():
    chance = random.Random(1)
    for seed in range(40):
        videos = some_videos(seed)
        query = videos[chance.randrange(len(videos))][1][0] * 3 + 0.1
        compare(videos, query, chance.choice((1, 2, 5, 20, 500)),
                chance.choice((0, SECOND, 5 * SECOND, 10**14)),
                chance.choice((0.0, 0.1, 0.5, 3.0)), chance.choice((-math.inf, 0.2)))


def test_blocks():
    """The same whatever the size of a block is, and that of a group of rows."""
    import nearest
    import vectors

    videos = some_videos(7, count=3)
    size, widened = vectors.NUMBERS_IN_BLOCK, nearest.ROWS_WIDENED
    vectors.NUMBERS_IN_BLOCK, nearest.ROWS_WIDENED = 12 * 7, 3
    try:
        compare(videos, videos[0][1][0], 6, SECOND, 0.2)
    finally:
        vectors.NUMBERS_IN_BLOCK, nearest.ROWS_WIDENED = size, widened


def test_directions():
    """Zeros, NaN and infinity are no hit; the largest and smallest floats are."""
    dim = 8
    good = numpy.ones(dim, numpy.float32)
    vectors = numpy.stack([good * 0, good * numpy.nan, good * numpy.inf,
                           good * numpy.float32(3e38), good * numpy.float32(1e-45), -good])
    vectors[2, 1:] = 0
    videos = [("/a.mp4", vectors, [i * 100 * SECOND for i in range(len(vectors))])]
    compare(videos, good, 10, SECOND, 0.1)
    import nearest
    from vectors import Refused
    for bad in (good * 0, good * numpy.nan, good * numpy.inf):
        try:
            nearest.direction(bad)
        except Refused:
            continue
        raise AssertionError(f"{bad} has a direction")
    assert nearest.direction(numpy.ones(dim) * 1e300).tolist() == nearest.direction(good).tolist()


def test_pictures():
    """Each is a hit of its own, however near in the file."""
    import nearest
    from vectors import Vectors

    with tempfile.TemporaryDirectory() as folder:
        rows = [row for i in range(5) for row in synthetic.rows_of(
            f"/pictures/{i}.png", [numpy.float32([1, i / 10])], [None])]
        synthetic.write(folder, "pictures", rows, pictures=True)
        hits = nearest.search(Vectors(folder), nearest.direction([1, 0]),
                              nearest.Rules(3, 10**12, 1.0))
    assert [hit.row for hit in hits] == [0, 1, 2], hits
    assert {(hit.first, hit.last) for hit in hits} == {(-1, -1)}, hits


def refusal(prepare):
    """What Vectors says of a folder."""
    from vectors import Refused, Vectors

    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        try:
            Vectors(folder)
        except Refused as error:
            return str(error)
    raise AssertionError("it was not refused")


def test_refusals():
    one = synthetic.rows_of("/a.mp4", numpy.ones((2, 3), numpy.float32), [0, SECOND])
    other = synthetic.rows_of("/b.mp4", numpy.ones((2, 4), numpy.float32), [0, SECOND])

    def mixed(rows, **more):
        def prepare(folder):
            synthetic.write(folder, "a", one)
            synthetic.write(folder, "b", rows, **more)
        return refusal(prepare)

    said = mixed(one, model_id="another#fedcba98")
    assert synthetic.MODEL_ID in said and "another#fedcba98" in said and "b.parquet" in said, said
    said = mixed(other)
    assert "vectors of 4 numbers" in said and "of 3" in said, said
    said = mixed(one, embedding="mean")
    assert "embedding=mean" in said, said
    assert "index.py" in refusal(lambda folder: None)
    assert "nothing" in refusal(lambda folder: os.makedirs(os.path.join(folder, "frames")))


def test_unfinished():
    """Files that are being written, cut off or another's change nothing."""
    import pyarrow
    import pyarrow.parquet
    from vectors import Vectors

    rows = synthetic.rows_of("/a.mp4", numpy.ones((600, 3), numpy.float32),
                             [i * SECOND for i in range(600)])
    with tempfile.TemporaryDirectory() as folder:
        path = synthetic.write(folder, "a", rows)
        with open(path, "rb") as file:
            data = file.read()
        frames = os.path.dirname(path)
        for name, text in ((".b.parquet.0a1b.part", data), (".c.parquet", data),
                           ("d.parquet", data[:len(data) // 2]), ("e.parquet", b""),
                           ("f.txt", b"no table")):
            with open(os.path.join(frames, name), "wb") as file:
                file.write(text)
        pyarrow.parquet.write_table(pyarrow.table({"x": [1]}),
                                    os.path.join(frames, "g.parquet"))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            found = Vectors(folder)
    assert [os.path.basename(part.path) for part in found.parts] == ["a.parquet"]
    assert found.rows == 600
    for name in ("d.parquet", "e.parquet", "g.parquet"):
        assert f"{name} is not whole, or not of index.py" in said.getvalue(), said.getvalue()
    assert "part" not in said.getvalue() and "c.parquet" not in said.getvalue()


def test_known():
    """A file that did not change is opened no more; what is damaged is read anew."""
    import catalog
    import table
    from vectors import Refused, Vectors

    opened, read = [], table.read_footer

    def counted(path):
        opened.append(os.path.basename(path)[0])
        return read(path)

    def write(folder, stem, rows, **more):
        return synthetic.write(folder, stem, synthetic.rows_of(
            f"/{stem}.mp4", numpy.ones((rows, 3), numpy.float32), range(rows)), **more)

    def look(folder):
        """(files that were opened, all that is told)"""
        opened.clear()
        found = Vectors(folder)
        return "".join(opened), ([part._replace(path="") for part in found.parts], found.dim,
                                 found.rows, found.model_id, found.settings)

    table.read_footer = counted
    try:
        with tempfile.TemporaryDirectory() as folder:
            paths = {stem: write(folder, stem, 5) for stem in "abc"}
            first, whole = look(folder)
            assert first == "abc" and look(folder) == ("", whole)
            write(folder, "b", 6)
            os.unlink(paths["c"])
            again, changed = look(folder)
            assert again == "b" and changed[2] == 11 and look(folder) == ("", changed)
            kept = catalog.path_of(folder)
            with open(kept, encoding="utf-8") as file:
                good = file.read()
            assert '"c.parquet"' not in good
            for bad in ("", "[]", "{}", good[:-9], good.replace('"version":1', '"version":0'),
                        good.replace('"spaces":[', '"spaces":[],"x":['),
                        good.replace('"files":[[', '"files":[[1,')):
                with open(kept, "w", encoding="utf-8") as file:
                    file.write(bad)
                assert look(folder) == ("ab", changed), bad
                assert look(folder) == ("", changed), bad
            # A file of another model is refused when it is known, too; what lies behind
            # it stays known.
            other = write(folder, "aa", 5, model_id="another#fedcba98")
            for _ in range(2):
                try:
                    Vectors(folder)
                except Refused as error:
                    assert "another#fedcba98" in str(error) and "aa.parquet" in str(error), error
                else:
                    raise AssertionError("it was not refused")
            os.unlink(other)
            assert look(folder) == ("", changed)
        with tempfile.TemporaryDirectory() as folder:
            write(folder, "a", 5)
            with open(os.path.join(folder, "index"), "w", encoding="utf-8"):
                pass        # nothing can be kept
            assert look(folder)[0] == look(folder)[0] == "a"
    finally:
        table.read_footer = read


def test_take():
    """Rows of a file, wherever they lie in its groups."""
    from vectors import Vectors

    count = 1300
    values = numpy.arange(count * 2, dtype=numpy.float32).reshape(count, 2)
    with tempfile.TemporaryDirectory() as folder:
        synthetic.write(folder, "a", synthetic.rows_of(
            "/a.mp4", values, [i * SECOND for i in range(count)]))
        vectors = Vectors(folder)
        for wanted in ([0], [1299], [511, 512], [3, 1100, 1299], list(range(count))):
            found = vectors.take(vectors.parts[0], wanted)
            assert found["frame"].to_pylist() == wanted
            assert found["embedding"].to_pylist() == values[wanted].tolist()


def main():
    synthetic.use(sys.argv[1])
    return not tap.run([
        ("hits are those of the definition", test_defined),
        ("hits do not depend on blocks", test_blocks),
        ("vectors without a direction are no hits", test_directions),
        ("each picture is a hit", test_pictures),
        ("what has nothing in common is refused", test_refusals),
        ("unfinished files are passed over", test_unfinished),
        ("files that did not change are not opened", test_known),
        ("rows are read from where they lie", test_take),
    ])


if __name__ == "__main__":
    sys.exit(main())
