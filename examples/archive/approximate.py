# SPDX-License-Identifier: MIT
"""An index of FAISS over an index folder, that tells which of its files a search should
look at; these are then searched exactly.

    DIR/index/index.json       what it is of, below
    DIR/index/vectors-X.faiss  an inverted file, numbers of 8 bits (IVF, SQ8)

The best n hits lie in the n files with the nearest frames, so of twice as many every row
is looked at, and what is told of a hit is exact.  What may be missing is a hit in a file
none of whose frames FAISS found near: of the ten nearest of 2 million frames it finds
99.9 %.

index.json:

    version   1
    space     model id and kind of embedding
    vectors   name of the .faiss file
    trained   rows that there were when it was trained
    files     [[name, rows, size in bytes, mtime in ns], ...], in the order of their rows

Files that are new are added.  It is made anew where files went or changed, and where
there are twice as many rows as it was trained for.  This takes a byte a number in memory,
searching maps the file."""
import contextlib
import fcntl
import glob
import math
import os
import secrets
import sys

import numpy

import table
import vectors as vectors_module
from catalog import index_folder, write_json

VERSION = 1
# Rows that a list of the inverted file is trained with, and the share that is looked at.
ROWS_OF_LIST, PROBED, LEAST_PROBED = 64, 1 / 32, 64
# Files that the training is from, at most.
FILES_TRAINED = 4096
# Nearest frames that are asked for first, and at most.
FIRST_NEAR, MOST_NEAR = 1024, 1 << 16


def description_path(folder):
    return os.path.join(index_folder(folder), "index.json")


def described(folder):
    """The JSON, or None."""
    try:
        found = table.read_json(description_path(folder))
        return found if found["version"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state(part):
    return [os.path.basename(part.path), part.rows, part.size, part.mtime]


def lists(rows):
    return max(1, 1 << round(math.log2(1.45 * math.sqrt(max(rows, 1)))))


def import_faiss():
    try:
        import faiss
    except ImportError as error:
        raise vectors_module.Refused(
            f"{sys.executable}: {error}. An index takes faiss-cpu, of PyPI; --exact looks at "
            "every row") from error
    return faiss


@contextlib.contextmanager
def writing():
    """What keeps an index from being written is told in words; FAISS has RuntimeError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise vectors_module.Refused(f"no index can be written: {error}. --exact looks at "
                                     "every row, without one") from error


@contextlib.contextmanager
def locked(folder):
    """One at a time builds; who waited finds what the other made."""
    with contextlib.ExitStack() as held:
        with writing():
            os.makedirs(index_folder(folder), exist_ok=True)
            file = held.enter_context(table.open_lock(index_folder(folder)))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sample(vectors, count):
    """About `count` unit vectors, from all over."""
    chance = numpy.random.default_rng(1)
    parts = [part for part in vectors.parts if part.rows]
    if len(parts) > FILES_TRAINED:
        parts = [parts[i] for i in sorted(chance.choice(len(parts), FILES_TRAINED, False))]
    share, found = count / sum(part.rows for part in parts), []
    for part in parts:
        rows = min(part.rows, math.ceil(share * part.rows))
        taken = vectors.take(part, numpy.sort(chance.choice(part.rows, rows, False)),
                             ["embedding"])
        units, good = vectors_module.units(vectors_module.matrix(
            taken["embedding"].combine_chunks()))
        found.append(units[good])
    return numpy.concatenate(found)


class Index:
    """parts: numbers of Vectors' files, in the order of the rows; starts: of each its
    first row, and behind them their number."""

    def __init__(self, faiss_index, parts, rows):
        self.faiss, self.parts = faiss_index, parts
        self.starts = numpy.concatenate([[0], numpy.cumsum(rows)]).astype(numpy.int64)

    @classmethod
    def current(cls, vectors, report):
        """Of all rows as they are: opened, added to or made.  report(done, total) is told
        how far it is."""
        faiss = import_faiss()
        found = cls._open(faiss, vectors)
        if found is None:
            with locked(vectors.folder):
                found = cls._open(faiss, vectors) or cls._make(faiss, vectors, report)
        return found

    @classmethod
    def _open(cls, faiss, vectors):
        held, known = described(vectors.folder), {}
        for number, part in enumerate(vectors.parts):
            known[tuple(state(part))] = number
        if held is None or held["space"] != _space(vectors) \
                or {tuple(file) for file in held["files"]} != set(known):
            return None
        path = os.path.join(index_folder(vectors.folder), os.path.basename(held["vectors"]))
        try:
            read = faiss.read_index(path, faiss.IO_FLAG_MMAP)
        except RuntimeError:
            return None
        if read.d != vectors.dim or read.ntotal != vectors.rows:
            return None
        return cls(read, [known[tuple(file)] for file in held["files"]],
                   [file[1] for file in held["files"]])

    @classmethod
    def _make(cls, faiss, vectors, report):
        states = {tuple(state(part)): part for part in vectors.parts}
        held = described(vectors.folder)
        files, index = [], None
        if held and held["space"] == _space(vectors) and vectors.rows <= 2 * held["trained"]:
            files = [tuple(file) for file in held["files"]]
            if set(files) <= set(states):
                with contextlib.suppress(RuntimeError):
                    index = faiss.read_index(os.path.join(
                        index_folder(vectors.folder), os.path.basename(held["vectors"])))
        if index is None:
            files, trained = [], vectors.rows
            index = _trained(faiss, vectors)
        else:
            trained = held["trained"]
        there = set(files)
        for file in [file for file in states if file not in there]:
            for batch in vectors.blocks(states[file]):
                index.add(vectors_module.units(vectors_module.matrix(batch["embedding"]))[0])
            files.append(file)
            report(index.ntotal, vectors.rows)
        with writing():
            _write(faiss, vectors, index, files, trained)
        return cls._open(faiss, vectors)

    def _near(self, query, count):
        """Numbers of files, those with the nearest frames first."""
        _, rows = self.faiss.search(query.astype(numpy.float32)[None], count)
        rows = rows[0][rows[0] >= 0]
        owners = numpy.searchsorted(self.starts, rows, "right") - 1
        _, first = numpy.unique(owners, return_index=True)
        return [self.parts[owner] for owner in owners[numpy.sort(first)].tolist()]

    def parts_near(self, query, n):
        """Numbers of the files to look at for the best n hits.  query: of length 1."""
        lists_there, count = self.faiss.nlist, FIRST_NEAR
        probed = max(LEAST_PROBED, round(PROBED * lists_there))
        most = min(MOST_NEAR, int(self.starts[-1]))
        while True:
            self.faiss.nprobe = min(probed, lists_there)
            found = self._near(query, min(count, most))
            if len(found) >= 2 * n or count >= most and probed >= lists_there:
                return found[:2 * n]
            # One video fills the list, or the lists around.
            count, probed = 8 * count, 4 * probed


def _space(vectors):
    return [vectors.model_id, vectors.settings.get("embedding", "auto"), vectors.dim]


def _trained(faiss, vectors):
    found = sample(vectors, ROWS_OF_LIST * lists(vectors.rows))
    # No more than it can be trained with, whatever the catalog says of the rows.
    count = min(lists(vectors.rows), max(1, len(found)))
    index = faiss.index_factory(vectors.dim, f"IVF{count},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(found)
    return index


def _write(faiss, vectors, index, files, trained):
    folder = index_folder(vectors.folder)
    name = f"vectors-{secrets.token_hex(8)}.faiss"
    faiss.write_index(index, os.path.join(folder, name))
    write_json(description_path(vectors.folder), {
        "version": VERSION, "space": _space(vectors), "vectors": name, "trained": trained,
        "files": files})
    # Those before, and what a build that was stopped left.
    for old in glob.glob(os.path.join(glob.escape(folder), "vectors-*.faiss")) \
            + glob.glob(os.path.join(glob.escape(folder), ".*" + table.PART)):
        if os.path.basename(old) != name:
            os.unlink(old)
