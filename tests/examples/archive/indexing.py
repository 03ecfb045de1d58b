# SPDX-License-Identifier: MIT
"""Indexes an archive in this process, without Ray.  sys.argv[1] is the source's root, and
examples/archive is in sys.path."""
import os
import sys

import archive
import frames
import settings
import table
import videos
import work
from gi.repository import Gst

MODEL = os.path.join(os.path.abspath(sys.argv[1]), "tests/golden/features/hf-vit-classifier")
HALF = Gst.SECOND // 2
ALL = ("embedding", "labels", "patches")


def index(out, given, slice_length=videos.SLICE_SECONDS * Gst.SECOND, **chosen):
    """The Archive, and the names of the functions that were called."""
    chosen = settings.Settings(**{"model": MODEL, "top": 3, "every": HALF, "what": ALL, **chosen})
    made = archive.Archive(out, chosen, frames.describe(chosen, 1), 1, slice_length, 30)
    archive.clear(out)
    made.there = made.plan(given)
    called = []
    while made.todo:
        piece = made.todo.popleft()
        called.append(piece.name)
        more = {"report": lambda *_: None} if piece.reports else {}
        made.take(piece.key, getattr(work, piece.name)(*piece.arguments, **more))
    made.write_errors()
    return made, called


def rows_of(out, path):
    return table.open_file(table.frames_path(out, table.stem(path))).read().to_pylist()
