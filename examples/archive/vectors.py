# SPDX-License-Identifier: MIT
"""The embeddings of an index folder, read block by block.

Every file of the folder must be of one model and one length of vector, so that all its
rows can be compared; Vectors refuses what is not, and says why.  Parquet is read
through a memory map, and no more than a block of it is in memory at a time.

This module needs pyarrow and numpy alone."""
import collections
import os
import sys

import numpy
import pyarrow

import catalog
import table

# Numbers in a block, 64 MiB of float32.
NUMBERS_IN_BLOCK = 1 << 24

# A file of rows: of one video, or of a batch of pictures; size in bytes, mtime in ns.
Part = collections.namedtuple("Part", "path rows pictures size mtime")


class Refused(Exception):
    """Why an index folder, a query or an option cannot be used, in words."""


def described(path):
    """(description, numbers in an embedding) of a file; None where it is not whole, or not
    of index.py.  Raises Refused."""
    description, footer = table.read_footer(path)
    if description is None:
        return None
    schema = footer.schema.to_arrow_schema()
    for name, kind in (("video", pyarrow.string()), ("pts", pyarrow.int64()),
                       ("stream_time", pyarrow.int64()), ("labels", table.LABELS)):
        if name not in schema.names or schema.field(name).type != kind:
            return None
    if "embedding" not in schema.names:
        raise Refused(f"{path} has no embeddings: index it anew, with --what embedding")
    kind = schema.field("embedding").type
    if getattr(kind, "list_size", 0) < 1 or str(kind.value_type) != "float":
        raise Refused(f"{path}: its embeddings are {kind}, not fixed_size_list<float32>")
    return description, kind.list_size


def space(description):
    """What must be the same for vectors to be comparable."""
    return description["model_id"], description["settings"].get("embedding", "auto")


def times_of(batch):
    """Of rows the positions in their video in ns, -1 where there is none; int64."""
    stream, pts = batch["stream_time"], batch["pts"]
    known = stream.fill_null(-1).to_numpy(zero_copy_only=False)
    return numpy.where(known >= 0, known, pts.fill_null(-1).to_numpy(zero_copy_only=False))


def matrix(column):
    """[rows][dim] of a batch's column of embeddings."""
    if column.null_count:
        raise Refused("a row has no embedding")
    return column.flatten().to_numpy(zero_copy_only=False).reshape(
        len(column), column.type.list_size)


def units(vectors):
    """(unit vectors in float32 [n][dim], which of the rows have a direction).  Lengths
    are computed in float64, where the square of no float32 overflows; what is zero or
    not finite has no direction, and its unit vector is zero."""
    wide = vectors.astype(numpy.float64)
    lengths = numpy.sqrt(numpy.einsum("ij,ij->i", wide, wide))
    good = numpy.isfinite(lengths) & (lengths > 0)
    wide[~good] = 0.0
    wide /= numpy.where(good, lengths, 1.0)[:, None]
    return wide.astype(numpy.float32), good


def _file(known, path):
    try:
        return known.file(path, described)
    except OSError:
        return None


def _check(path, file, first_path, first, spaces):
    if file.space != first.space and space(spaces[file.space]) != space(spaces[first.space]):
        here, there = (" with embedding=".join(map(str, space(spaces[one.space])))
                       for one in (file, first))
        raise Refused(
            f"{path} is of {here}, but {first_path} of {there}: "
            "vectors of two models have nothing in common; index one of them anew")
    if file.dim != first.dim:
        raise Refused(f"{path} has vectors of {file.dim} numbers, "
                      f"but {first_path} of {first.dim}")


class Vectors:
    """folder: as index.py wrote it.

    parts: its files, in the order of their names; rows: of all; dim: numbers in an
    embedding; model_id, settings: of the first file, JSON's object.
    Files that are not whole, or not of index.py, are passed over; those that are known to
    catalog.py are not opened.  report(done, total) is told how many files it looked at."""

    def __init__(self, folder, report=lambda done, total: None):
        self.folder, self.parts = folder, []
        if not os.path.isdir(table.frames_folder(folder)):
            raise Refused(f"{folder} is no index folder: it has no {table.frames_folder('')}"
                          "; index.py makes one")
        paths, first = table.files(folder), None
        known = catalog.Catalog(folder, paths)
        try:
            for done, path in enumerate(paths, 1):
                file = _file(known, path)
                report(done, len(paths))
                if file is None:
                    print(f"passed over: {path} is not whole, or not of index.py",
                          file=sys.stderr)
                    continue
                first = first or (path, file)
                _check(path, file, *first, known.spaces)
                self.parts.append(Part(path, file.rows, file.pictures, file.size, file.mtime))
        finally:
            known.save()
        if first is None:
            raise Refused(f"{folder}: nothing is in the index yet")
        held, self.dim = known.spaces[first[1].space], first[1].dim
        self.model_id, self.settings = held["model_id"], held["settings"]
        self.rows = sum(part.rows for part in self.parts)

    def block_rows(self):
        return max(1, NUMBERS_IN_BLOCK // self.dim)

    def blocks(self, part, columns=("embedding",)):
        """Yields a part's rows as RecordBatches of these columns."""
        with table.open_file(part.path) as file:
            yield from file.iter_batches(self.block_rows(), columns=list(columns),
                                         use_threads=False)

    def times(self, part):
        """int64 [rows], as of times_of()."""
        found = [times_of(batch) for batch in self.blocks(part, ("stream_time", "pts"))]
        return numpy.concatenate(found) if found else numpy.empty(0, numpy.int64)

    def take(self, part, rows, columns=None):
        """A Table of these rows of a part, ascending; only what holds them is read."""
        rows = numpy.asarray(rows, numpy.int64)
        with table.open_file(part.path) as file:
            counts = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            starts = numpy.concatenate([[0], numpy.cumsum(counts)]).astype(numpy.int64)
            groups = numpy.unique(numpy.searchsorted(starts, rows, "right") - 1)
            read = file.read_row_groups(groups.tolist(), columns=columns, use_threads=False)
        places = numpy.concatenate([numpy.arange(starts[g], starts[g + 1]) for g in groups])
        return read.take(numpy.searchsorted(places, rows))
