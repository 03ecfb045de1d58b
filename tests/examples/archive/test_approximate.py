#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an index of FAISS finds is what the exact search finds, but for a bounded share;
and the index follows the files.  TAP on standard output.

    test_approximate.py SOURCE_ROOT"""
import contextlib
import glob
import json
import os
import sys
import tempfile
import unittest

import numpy

import synthetic
import tap
from synthetic import SECOND

DIM, FILES, ROWS, QUERIES, N = 32, 40, 300, 60, 10
# Of the hits of an exact search, in all queries together.
LEAST_RECALL = 0.98


def write(folder, chance, number, rows=ROWS):
    vectors = numpy.cumsum(numpy.concatenate([
        3 * chance.standard_normal((1, DIM)), 0.2 * chance.standard_normal((rows - 1, DIM))]), 0)
    vectors *= chance.uniform(0.1, 10)
    vectors[7] = 0
    vectors = vectors.astype(numpy.float32)
    return vectors, synthetic.write(folder, f"{number:0>3}", synthetic.rows_of(
        f"/{number}.mp4", vectors, [i * SECOND for i in range(rows)]))


@contextlib.contextmanager
def archive(seed):
    """(folder, {number: (vectors, path)}, numpy's generator)."""
    chance = numpy.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        yield folder, {i: write(folder, chance, i) for i in range(FILES)}, chance


def build(folder):
    """(Index, Vectors, what was reported)."""
    import approximate
    from vectors import Vectors

    vectors, said = Vectors(folder), []
    return approximate.Index.current(vectors, lambda *now: said.append(now)), vectors, said


def hits(index, vectors, query, exact=False):
    import nearest

    query = nearest.direction(query)
    numbers = None if exact else index.parts_near(query, N)
    assert numbers is None or len(numbers) <= 2 * N
    return nearest.search(vectors, query, nearest.Rules(N, 5 * SECOND, 0.05), numbers)


def test_recall():
    with archive(1) as (folder, files, chance):
        index, vectors, _ = build(folder)
        found = wanted = 0
        for _ in range(QUERIES):
            near = files[int(chance.integers(FILES))][0][int(chance.integers(8, ROWS))]
            query = near + 0.3 * numpy.linalg.norm(near) / DIM ** 0.5 * chance.standard_normal(DIM)
            exact = set(hits(index, vectors, query, exact=True))
            assert len(exact) == N
            wanted += N
            # Scores and stretches are those of the exact search, too.
            found += len(exact & set(hits(index, vectors, query)))
    print(f"# recall of {N} hits: {found / wanted:.4f}")
    assert found >= LEAST_RECALL * wanted, (found, wanted)


def names(folder):
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "index/*"))
                  if not path.endswith("files.json"))


def first_file(index, vectors, query):
    return os.path.basename(vectors.parts[hits(index, vectors, query)[0].part].path)


def test_follows():
    """Built once; new files are added; what changed or went has it made anew."""
    with archive(2) as (folder, files, chance):
        index, vectors, said = build(folder)
        assert index.faiss.ntotal == FILES * ROWS == said[-1][0]
        made = names(folder)
        assert build(folder)[2] == [] and names(folder) == made

        new, _ = write(folder, chance, "0a")       # before the others by its name
        index, vectors, said = build(folder)
        assert [done for done, _ in said] == [(FILES + 1) * ROWS], said
        assert names(folder) != made and len(names(folder)) == 2
        assert first_file(index, vectors, new[50]) == "00a.parquet"
        assert first_file(index, vectors, files[3][0][50]) == "003.parquet"

        os.unlink(files[3][1])
        changed, _ = write(folder, chance, 5)
        index, vectors, said = build(folder)
        assert len(said) == FILES and index.faiss.ntotal == FILES * ROWS
        assert first_file(index, vectors, changed[50]) == "005.parquet"


def test_damaged():
    """A build that was stopped, a cut file, another's description: it is made anew."""
    with archive(3) as (folder, files, _):
        build(folder)
        vectors_path, = glob.glob(os.path.join(folder, "index/*.faiss"))
        description = os.path.join(folder, "index/index.json")
        with open(description, encoding="utf-8") as file:
            good = json.load(file)

        def cut():
            path, = glob.glob(os.path.join(folder, "index/*.faiss"))
            os.truncate(path, os.path.getsize(path) // 3)

        def rewrite(text):
            with open(description, "w", encoding="utf-8") as file:
                file.write(text)

        for damage in (cut, lambda: rewrite("{"), lambda: rewrite("[1]"),
                       lambda: rewrite(json.dumps(dict(good, version=0))),
                       lambda: rewrite(json.dumps(dict(good, space=["x", "auto", DIM]))),
                       lambda: os.unlink(description)):
            damage()
            with open(os.path.join(folder, "index/vectors-0123.faiss"), "wb") as file:
                file.write(b"left of a build that was stopped")
            index, vectors, said = build(folder)
            assert len(said) == FILES, said
            assert first_file(index, vectors, files[9][0][50]) == "009.parquet"
            assert len(names(folder)) == 2, names(folder)


def test_no_place():
    """Where no index can be written --exact is told of."""
    from vectors import Refused

    with tempfile.TemporaryDirectory() as folder:
        write(folder, numpy.random.default_rng(5), 1)
        with open(os.path.join(folder, "index"), "w", encoding="utf-8"):
            pass
        try:
            build(folder)
        except Refused as error:
            assert "--exact" in str(error) and os.path.join(folder, "index") in str(error), error
        else:
            raise AssertionError("it was built")


def test_still():
    """Many equal frames of one file do not hide the others."""
    import approximate

    with tempfile.TemporaryDirectory() as folder:
        chance = numpy.random.default_rng(4)
        still = chance.standard_normal(DIM).astype(numpy.float32)
        synthetic.write(folder, "still", synthetic.rows_of(
            "/still.mp4", [still] * 6000, [i * SECOND for i in range(6000)]))
        for i in range(12):
            like = still + 0.1 * (i + 1) * chance.standard_normal(DIM)
            synthetic.write(folder, f"z{i}", synthetic.rows_of(
                f"/{i}.mp4", [like.astype(numpy.float32)] * 5, [j * SECOND for j in range(5)]))
        index, vectors, _ = build(folder)
        assert approximate.FIRST_NEAR < 6000
        exact, found = (hits(index, vectors, still, exact) for exact in (True, False))
        assert found == exact and len({hit.part for hit in found}) == N, found


def with_faiss(test):
    def run():
        try:
            import faiss  # noqa: F401
        except ImportError as error:
            raise unittest.SkipTest(error) from error
        test()
    return run


def main():
    synthetic.use(sys.argv[1])
    return not tap.run([(name, with_faiss(test)) for name, test in (
        ("as many hits as the exact search", test_recall),
        ("the index follows the files", test_follows),
        ("a damaged index is made anew", test_damaged),
        ("without a place for an index --exact is told of", test_no_place),
        ("a still video does not hide others", test_still),
    )])


if __name__ == "__main__":
    sys.exit(main())
