# SPDX-License-Identifier: MIT
"""The table of an index folder: its columns, its files, and what stands in them.

    DIR/frames/STEM.parquet     one a video, or one a batch of pictures
    DIR/patches/STEM.zarr       features of their patches, where asked for: patches.py
    DIR/errors.parquet          what could not be indexed, a row each
    DIR/slices/                 parts of long videos that are not yet whole

A row is a frame:

    video        string         absolute path or URI; of a picture its own
    frame        int64          number of the decoded frame, from 0, not only of those
                                that have a row
    pts          int64          of GStreamer, ns; null where the stream has none
    stream_time  int64          position in the video, ns; null where there is none
    width        int32          of the frame, in pixels
    height       int32
    embedding    fixed_size_list<float32>[dim], as the model gives it, not divided by
                                its length; the column is there where `what` names it
    labels       list<struct<label string, class int32, score float32>>, the most
                                probable first; empty where `what` does not name them
    model_id     dictionary of string   GstVitEmbeddingMeta's
    settings     dictionary of string   JSON: all that the numbers depend on

A file appears under its name when it is whole: it is written beside it under a name
that begins with a dot, and renamed.  In its footer, under the key `gst-vit`, lies one
JSON, the description:

    version   1
    sources   [[path or URI, size in bytes, mtime in ns], ...]: what the rows are of;
              -1 for both of a URI
    settings  the column's object
    model_id  the column's string
    rows      how many
    patches   whether STEM.zarr belongs to it

This module needs pyarrow and numpy alone."""
import hashlib
import json
import os
import re
import secrets

import numpy
import pyarrow
import pyarrow.parquet

import settings

VERSION = 1
KEY = b"gst-vit"
ENDING = ".parquet"
# In the names of files that are being written; a reader passes over them.
PART = ".part"
# Rows that are held in memory until they are written together.
ROWS_IN_GROUP = 512

LABELS = pyarrow.list_(pyarrow.struct([
    ("label", pyarrow.string()), ("class", pyarrow.int32()), ("score", pyarrow.float32())]))
WORD = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
ERRORS = pyarrow.schema([
    ("video", pyarrow.string()), ("message", pyarrow.string()), ("debug", pyarrow.string()),
    ("when", pyarrow.timestamp("ms", tz="UTC"))])


def frames_folder(folder):
    return os.path.join(folder, "frames")


def slices_folder(folder):
    return os.path.join(folder, "slices")


def patches_folder(folder):
    return os.path.join(folder, "patches")


def errors_path(folder):
    return os.path.join(folder, "errors" + ENDING)


def frames_path(folder, stem):
    return os.path.join(frames_folder(folder), stem + ENDING)


def stem_of(path):
    """Of a file of rows."""
    return os.path.basename(path)[:-len(ENDING)]


def patches_path(folder, stem):
    return os.path.join(patches_folder(folder), stem + ".zarr")


def text(name):
    """A name as Parquet can hold it: bytes that are no UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def stem(name, *others):
    """Of a path or URI: something to read, and a digest that no other has, nor the same
    with other `others`."""
    readable = re.sub(r"[^\w.-]+", "_", text(os.path.basename(name.rstrip("/"))),
                      flags=re.ASCII).lstrip(".")
    digest = hashlib.sha256(b"\0".join(map(os.fsencode, (name, *others))))
    return f"{readable[:80] or 'video'}-{digest.hexdigest()[:16]}"


def aside(path):
    """A name of its own to write a file under that shall be `path` when it is whole."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{secrets.token_hex(8)}{PART}")


def open_lock(folder):
    """The file in an index folder that is to be held by flock().  Raises OSError.  It is
    neither followed where it is a link, nor emptied: the folder may be a stranger's."""
    number = os.open(os.path.join(folder, ".lock"),
                     os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    return os.fdopen(number, "r+b", 0)


def schema(dim):
    """dim: of the embedding; None: no such column."""
    embedding = [] if dim is None else [
        ("embedding", pyarrow.list_(pyarrow.float32(), dim))]
    return pyarrow.schema([
        ("video", pyarrow.string()), ("frame", pyarrow.int64()), ("pts", pyarrow.int64()),
        ("stream_time", pyarrow.int64()), ("width", pyarrow.int32()),
        ("height", pyarrow.int32()), *embedding, ("labels", LABELS), ("model_id", WORD),
        ("settings", WORD)])


def files(folder):
    """Paths of the whole files of an index folder, in the order of their names."""
    frames = frames_folder(folder)
    names = sorted(os.listdir(frames)) if os.path.isdir(frames) else []
    paths = [os.path.join(frames, name) for name in names
             if name.endswith(ENDING) and not name.startswith(".")]
    # A pipe would hold who opens it.
    return [path for path in paths if os.path.isfile(path)]


def open_file(path):
    """A ParquetFile, memory-mapped; iter_batches() or read_row_group() reads rows."""
    return pyarrow.parquet.ParquetFile(path, memory_map=True)


def dim_of(path):
    """Of the embeddings of a file; None: it has none."""
    with open_file(path) as file:
        names = file.schema_arrow.names
        return (file.schema_arrow.field("embedding").type.list_size
                if "embedding" in names else None)


def read_description(path):
    """The JSON of a whole file; None where it is none of ours."""
    return read_footer(path)[0]


def read_json(path):
    """Raises OSError, also where it is no regular file, as a pipe would hold who opens it,
    and ValueError."""
    settings.file_state(path)
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error


def is_description(found, rows):
    """Whether it is one of a file of so many rows: it may be a stranger's.  More than
    these rows would be looked for in memory that is not there."""
    return (isinstance(found, dict) and found.get("version") == VERSION
            and found.get("rows") == rows and isinstance(found.get("model_id"), str)
            and settings.are_settings(found.get("settings"))
            and isinstance(found.get("pictures", False), bool)
            and isinstance(found.get("patches"), bool)
            and isinstance(found.get("sources"), list)
            and all(isinstance(source, list) and [type(value) for value in source]
                    == [str, int, int] for source in found["sources"]))


def read_footer(path):
    """(description, pyarrow's FileMetaData) of a whole file, (None, None) where it is none
    of ours."""
    try:
        footer = pyarrow.parquet.read_metadata(path)
        description = json.loads((footer.metadata or {})[KEY])
    # pyarrow.ArrowInvalid is a ValueError
    except (OSError, KeyError, ValueError, RecursionError):
        return None, None
    if not is_description(description, footer.num_rows):
        return None, None
    return description, footer


def read_errors(folder):
    """A Table of ERRORS; empty where there is no file."""
    path = errors_path(folder)
    return pyarrow.parquet.read_table(path) if os.path.exists(path) else ERRORS.empty_table()


def write_errors(folder, rows):
    """rows: dicts of ERRORS' columns.  Replaces the file; without rows there is none."""
    path = errors_path(folder)
    if not rows:
        if os.path.exists(path):
            os.unlink(path)
        return
    part = aside(path)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, ERRORS), part,
                                compression="zstd")
    os.replace(part, path)


class Writer:
    """Writes a file of rows as they come, ROWS_IN_GROUP at a time, so that it holds no
    more in memory.  finish() and close() make it whole; what is not closed is discarded."""

    def __init__(self, path, dim):
        self.path, self.schema, self.rows = path, schema(dim), 0
        self._part, self._held = aside(path), []
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # What differs in every row is no dictionary's; the bytes of floats pack
        # better apart from each other.
        split = {} if dim is None else {
            "column_encoding": {"embedding.list.element": "BYTE_STREAM_SPLIT"}}
        words = ["video", "model_id", "settings", "labels.list.element.label"]
        self._file = pyarrow.parquet.ParquetWriter(
            self._part, self.schema, compression="zstd", use_dictionary=words, **split)

    def add(self, row):
        """row: a dict of the columns; embedding a float32 array [dim]."""
        self._held.append(row)
        if len(self._held) >= ROWS_IN_GROUP:
            self._flush()

    def add_table(self, table):
        """Rows of another file of the same schema."""
        self._flush()
        self._file.write_table(table.cast(self.schema), row_group_size=ROWS_IN_GROUP)
        self.rows += table.num_rows

    @property
    def added(self):
        """Rows so far, those that are held in memory too."""
        return self.rows + len(self._held)

    def _flush(self):
        if not self._held:
            return
        arrays = []
        for field in self.schema:
            values = [row[field.name] for row in self._held]
            if field.name == "embedding":
                flat = pyarrow.array(numpy.concatenate(values), pyarrow.float32())
                arrays.append(pyarrow.FixedSizeListArray.from_arrays(
                    flat, field.type.list_size))
            elif field.type == WORD:
                arrays.append(pyarrow.array(values, pyarrow.string()).dictionary_encode())
            else:
                arrays.append(pyarrow.array(values, field.type))
        self._file.write_table(pyarrow.Table.from_arrays(arrays, schema=self.schema))
        self.rows += len(self._held)
        self._held = []

    def finish(self, description):
        """description: the JSON's object but for version and rows.  Only close() follows."""
        self._flush()
        whole = dict(description, version=VERSION, rows=self.rows)
        self._file.add_key_value_metadata({KEY.decode(): json.dumps(whole)})
        self._file.close()

    def close(self):
        """What finish() has written gets its name."""
        os.replace(self._part, self.path)
        self._file = None

    def discard(self):
        if self._file is not None:
            self._file.close()
            self._file = None
            os.unlink(self._part)
