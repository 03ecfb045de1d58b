#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures keep their rows: whatever is done again, mended, gone or asked for with other
settings, no row is lost and none is there twice.  TAP on standard output.

    test_batches.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import os
import re
import shutil
import sys
import tempfile

import numpy
import xarray

SOURCE = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(SOURCE, "examples/archive"))

import frames  # noqa: E402
import patches  # noqa: E402
import plain  # noqa: E402
import table  # noqa: E402
import tap  # noqa: E402
import videos  # noqa: E402
from gi.repository import Gst  # noqa: E402
from indexing import MODEL, index  # noqa: E402

FOLDER = tempfile.mkdtemp(prefix="archive-")
PICTURES = os.path.join(FOLDER, "pictures")
# In the order of their names.
NAMES = [f"picture {i}.png" for i in range(10)]


def make(folder, *names):
    """Of each a copy in a folder of its own test."""
    os.makedirs(folder)
    for name in names:
        shutil.copy2(os.path.join(PICTURES, name), folder)
    return [os.path.join(folder, name) for name in names]


def all_rows(out):
    """{path: row}; each is there once."""
    rows = [row for path in table.files(out) for row in table.open_file(path).read().to_pylist()]
    found = {row["video"]: row for row in rows}
    assert len(rows) == len(found), [row["video"] for row in rows]
    return found


def described(out):
    """{path of a picture: [size, mtime]}, as the files say of themselves."""
    return {name: state for path in table.files(out)
            for name, *state in table.read_description(path)["sources"]}


def check_whole(out, paths):
    """Rows, descriptions and patches are there of these and fit together.  The patches of
    those that are there still are theirs."""
    rows = all_rows(out)
    assert set(rows) == set(paths) == set(described(out)), sorted(rows)
    stores = 0
    for path in table.files(out):
        description, file = table.read_description(path), table.open_file(path).read().to_pylist()
        assert description["rows"] == len(file) == len(description["sources"])
        if not description["patches"]:
            continue
        stores += 1
        store = table.patches_path(out, table.stem_of(path))
        records = []
        groups = [None] + [name for name in os.listdir(store) if re.fullmatch(r"\d+x\d+", name)]
        for group in groups:
            found = xarray.open_zarr(store, group=group)
            records += list(found.record.values)
            for i, record in enumerate(found.record.values):
                name = file[record]["video"]
                if os.path.exists(name):
                    want = plain.all_rows(name, MODEL)[0]["patches"].astype(numpy.float16)
                    assert numpy.array_equal(found.patches.values[i], want), name
        assert sorted(records) == list(range(len(file))), records
    place = table.patches_folder(out)
    assert stores == (len(os.listdir(place)) if os.path.isdir(place) else 0)


def check_mended():
    """The first of a batch, which was bad, comes alone."""
    place, out = os.path.join(FOLDER, "mended"), os.path.join(FOLDER, "mended-out")
    paths = make(place, *NAMES)
    with open(paths[0], "r+b") as file:
        file.truncate(60)
    index(out, place)
    check_whole(out, paths[1:])
    shutil.copy(os.path.join(PICTURES, NAMES[0]), paths[0])
    made, _ = index(out, place)
    assert made.progress.rows == 1 and not made.errors
    check_whole(out, paths)
    assert not index(out, place)[1]


def check_gone():
    """Two are gone, a third is written to, a fourth is bad now."""
    place, out = os.path.join(FOLDER, "gone"), os.path.join(FOLDER, "gone-out")
    paths = make(place, *NAMES)
    index(out, place)
    before = described(out)
    os.unlink(paths[0])
    os.unlink(paths[4])
    os.utime(paths[2])
    with open(paths[3], "r+b") as file:
        file.truncate(60)
    made, called = index(out, place)
    assert called == ["index_pictures"] and made.progress.rows == 1, called
    assert set(made.errors) == {paths[3]}, made.errors
    after = described(out)
    assert {name for name in before if before[name] != after[name]} == {paths[2]}
    rows = all_rows(out)
    assert set(rows) == set(paths) and len(table.files(out)) == 1
    # What is bad is tried again, and takes nothing with it.
    assert index(out, place)[1] == ["index_pictures"]
    shutil.copy(os.path.join(PICTURES, NAMES[3]), paths[3])
    made, _ = index(out, place)
    assert not made.errors
    check_whole(out, paths)
    assert not index(out, place)[1]


def check_settings():
    """A list of one with other settings; then all with these."""
    place, out = os.path.join(FOLDER, "other"), os.path.join(FOLDER, "other-out")
    paths = make(place, *NAMES[:8])
    index(out, place)
    for chosen in ({"top": 2}, {"what": ("labels",)}):
        made, _ = index(out, paths[5], **chosen)
        assert made.progress.rows == 1
        check_whole(out, paths)
        assert len(table.files(out)) == 2 and not index(out, paths[5], **chosen)[1]
    index(out, place, top=2)
    check_whole(out, paths)
    assert all(len(row["labels"]) == 2 for row in all_rows(out).values())
    assert not index(out, place, top=2)[1]


def check_stopped():
    """Between the new file and the removal of its rows from the old one."""
    place, out = os.path.join(FOLDER, "stopped"), os.path.join(FOLDER, "stopped-out")
    paths = make(place, *NAMES[:5])
    index(out, place)
    old, = table.files(out)
    store = table.patches_path(out, table.stem_of(old))
    kept = os.path.join(FOLDER, "kept")
    shutil.copytree(store, kept + ".zarr")
    shutil.copy2(old, kept)
    for given, left in ((paths[1], 2), (place, 2)):
        index(out, given, top=2)
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(kept + ".zarr", store)
        shutil.copy2(kept, old)
        assert not index(out, given, top=2)[1]
        check_whole(out, paths)
        assert len(table.files(out)) == left


def check_planned():
    """To plan is not to take away."""
    place, out = os.path.join(FOLDER, "planned"), os.path.join(FOLDER, "planned-out")
    paths = make(place, *NAMES[:3])
    index(out, place)
    for path in paths:
        os.unlink(path)
        with open(path, "wb") as file:
            file.write(b"no picture")
    made, called = index(out, place)
    assert called and len(made.errors) == 3
    assert set(all_rows(out)) == set(paths)


def check_many_sizes():
    """What is held in memory is bounded, however many sizes there are."""
    path, kept = os.path.join(FOLDER, "sizes.zarr"), patches.SHARD
    random = numpy.random.default_rng(1)
    given, most = [], 0
    patches.SHARD = 20000
    try:
        writer = patches.Writer(path, "float32", "a", "b")
        for number in range(90):
            rows, columns = 2 + number % 4, 2 + number // 4 % 4
            frame = frames.Frame(
                {"frame": number, "pts": None, "stream_time": None, "width": 16 * columns,
                 "height": 16 * rows}, random.normal(size=(rows, columns, 24)).astype("float32"),
                (tuple(range(columns)), tuple(range(rows))))
            writer.add(frame, number)
            given.append(frame.patches)
            most = max(most, sum(values.nbytes for size in writer._sizes.values()
                                 for values, _ in size.held))
        writer.finish()
        writer.close()
    finally:
        patches.SHARD = kept
    assert 10000 < most <= 20000, most
    seen = []
    for name in [None] + [name for name in os.listdir(path) if re.fullmatch(r"\d+x\d+", name)]:
        found = xarray.open_zarr(path, group=name)
        for i, record in enumerate(found.record.values):
            assert numpy.array_equal(found.patches.values[i], given[record]), record
            seen.append(record)
    assert sorted(seen) == list(range(90))


def make_pictures():
    os.makedirs(PICTURES)
    for i, name in enumerate(NAMES):
        videos.launch(f"videotestsrc num-buffers=1 pattern={i} ! video/x-raw,height=48,"
                      f"width={64 + 16 * (i % 2)} ! pngenc", os.path.join(PICTURES, name))


CHECKS = [
    ("a picture that is mended is added to the others", check_mended),
    ("of a batch that changes, the rows of what is gone stay", check_gone),
    ("a picture with other settings takes no other's row", check_settings),
    ("rows are there once where a run was stopped between two files", check_stopped),
    ("what cannot be done again keeps its rows", check_planned),
    ("patches of many sizes are written before they fill the memory", check_many_sizes),
]

if __name__ == "__main__":
    Gst.init(None)
    try:
        make_pictures()
        good = tap.run(CHECKS)
    finally:
        frames.forget()
        shutil.rmtree(FOLDER)
    sys.exit(not good)
