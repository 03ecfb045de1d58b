#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rows and patches of an archive are those of plain pipelines, whatever the videos
are, in slices and as a whole; what is there is not made again; errors are named.  The
work is done in this process: test_engine.py has it done by Ray.  TAP on standard output.

    test_rows.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import errno
import os
import shutil
import sys
import tempfile

import numpy
import xarray

SOURCE = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(SOURCE, "examples/archive"))

import archive  # noqa: E402
import choice  # noqa: E402
import frames  # noqa: E402
import names  # noqa: E402
import patches  # noqa: E402
import plain  # noqa: E402
import progress  # noqa: E402
import settings  # noqa: E402
import sources  # noqa: E402
import table  # noqa: E402
import tap  # noqa: E402
import videos  # noqa: E402
import work  # noqa: E402
from gi.repository import Gst  # noqa: E402
from indexing import ALL, HALF, MODEL, index, rows_of  # noqa: E402

CLIP = os.path.join(SOURCE, "tests/golden/zero-shot/hf-siglip")
FOLDER = tempfile.mkdtemp(prefix="archive-")
VIDEOS, PICTURES = os.path.join(FOLDER, "videos"), os.path.join(FOLDER, "pictures")
OUT = os.path.join(FOLDER, "out")


def check_equal(got, want, video):
    assert len(got) == len(want), f"{len(got)} rows, not {len(want)}"
    for row, right in zip(got, want):
        assert row["video"] == table.text(video), row["video"]
        for name in set(right) - {"patches", "embedding"}:
            assert row[name] == right[name], f"{name}: {row[name]} is not {right[name]}"
        assert numpy.array_equal(numpy.array(row["embedding"], numpy.float32),
                                 right["embedding"]), "another embedding"


def check_video(name):
    path = os.path.join(VIDEOS, name)
    want = plain.every(plain.all_rows(path, MODEL), HALF)
    check_equal(rows_of(OUT, path), want, path)


def check_all_videos():
    made, _ = index(OUT, VIDEOS)
    assert made.there == 0
    for name in videos.GOOD:
        check_video(name)


def check_errors():
    errors = {row["video"]: row for row in table.read_errors(OUT).to_pylist()}
    assert set(errors) == {os.path.join(VIDEOS, name) for name in videos.BAD}, list(errors)
    for name, text in videos.BAD.items():
        row = errors[os.path.join(VIDEOS, name)]
        assert text in row["message"] and len(row["message"]) > 10 and row["when"], row


def check_patches():
    for name in videos.GOOD:
        path = os.path.join(VIDEOS, name)
        want = plain.every(plain.all_rows(path, MODEL), HALF)
        store = table.patches_path(OUT, table.stem(path))
        sizes = dict.fromkeys((row["width"], row["height"]) for row in want)
        for i, size in enumerate(sizes):
            found = xarray.open_zarr(store, group="{}x{}".format(*size) if i else None)
            some = [(number, row) for number, row in enumerate(want)
                    if (row["width"], row["height"]) == size]
            assert found.patches.dims == ("time", "row", "column", "dim")
            right = numpy.stack([row["patches"] for _, row in some]).astype(numpy.float16)
            assert numpy.array_equal(found.patches.values, right), name
            assert list(found.record.values) == [number for number, _ in some]
            assert list(found.time.values) == [row["stream_time"] for _, row in some]
            assert list(found.frame.values) == [row["frame"] for _, row in some]
            assert list(found.x.values) == [8 + 16 * column for column in range(size[0] // 16)]
            assert list(found.y.values) == [8 + 16 * row for row in range(size[1] // 16)]


def check_grown():
    assert [row["width"] for row in rows_of(OUT, os.path.join(VIDEOS, "grows.mkv"))] == [
        64, 64, 64, 96]


def check_slices(outs=("sliced", "unsliced")):
    """The long video's, against the same as a whole, every frame."""
    path = os.path.join(VIDEOS, "long.webm")
    outs = [os.path.join(FOLDER, name) for name in outs]
    _, called = index(outs[0], path, every=0)
    assert called.count("index_slice") == 3 and "join_slices" in called, called
    _, called = index(outs[1], path, 0, every=0)
    assert called == ["index_video"], called
    first, second = (table.open_file(table.frames_path(out, table.stem(path))).read()
                     for out in outs)
    assert first.num_rows == videos.LONG_SECONDS * 10 and first.equals(second)
    first, second = (xarray.open_zarr(table.patches_path(out, table.stem(path))).load()
                     for out in outs)
    assert first.identical(second)
    assert not os.path.exists(table.slices_folder(outs[0])) or not os.listdir(
        table.slices_folder(outs[0]))


def check_slices_resume():
    """Slices that an earlier run has left are taken; one that does not fit is not."""
    path = os.path.join(VIDEOS, "long.webm")
    out = os.path.join(FOLDER, "resumed")
    source = sources.of_name(path)
    chosen = settings.Settings(model=MODEL, top=3, every=HALF, what=ALL)
    model = frames.describe(chosen, 1)
    options = {"threads": 1, "patience": 30}
    part = (10 * Gst.SECOND, 20 * Gst.SECOND)
    work.index_slice(out, source, 1, part, chosen, model, options, lambda *_: None)
    _, called = index(out, path)
    assert called.count("index_slice") == 2, called
    check_equal(rows_of(out, path), rows_to_compare(path), path)
    # A slice that says of itself that it is 10 to 20 s, and is 9 to 19.
    os.unlink(table.frames_path(out, table.stem(path)))
    work.index_slice(out, source, 1, (9 * Gst.SECOND, 19 * Gst.SECOND), chosen, model, options,
                     lambda *_: None)
    wrong = work.slice_paths(out, source, 1)[0]
    description = table.read_description(wrong)
    rows = table.open_file(wrong).read()
    writer = table.Writer(wrong, 48)
    writer.add_table(rows)
    writer.finish(dict(description, part=list(part)))
    writer.close()
    _, called = index(out, path)
    assert called[-1] == "index_video" and called.count("index_video") == 2, called
    check_equal(rows_of(out, path), rows_to_compare(path), path)


def rows_to_compare(path):
    return plain.every(plain.all_rows(path, MODEL), HALF)


def state(out):
    return {path: os.stat(path).st_mtime_ns for path in table.files(out)}


def check_resume():
    before = state(OUT)
    made, called = index(OUT, VIDEOS)
    assert made.there == len(videos.GOOD) and len(called) == len(videos.BAD), called
    assert state(OUT) == before
    # Only what was written to is done again, and an error that is mended is none.
    os.utime(os.path.join(VIDEOS, "raw.y4m"))
    shutil.copy(os.path.join(VIDEOS, "small.webm"), os.path.join(VIDEOS, "empty.mp4"))
    made, called = index(OUT, VIDEOS)
    changed = {path for path, moment in state(OUT).items() if before.get(path) != moment}
    assert changed == {table.frames_path(OUT, table.stem(os.path.join(VIDEOS, name)))
                       for name in ("raw.y4m", "empty.mp4")}, changed
    assert len(made.errors) == len(videos.BAD) - 1 and not any(
        "empty" in name for name in made.errors), made.errors


def check_settings():
    """Each of these is another table; what is asked for is there, and no more."""
    path = os.path.join(VIDEOS, "small.webm")
    out = os.path.join(FOLDER, "settings")
    for chosen in ({"every": 0}, {"max_tokens": 7}, {"what": ("labels",)}, {"top": 1}):
        assert len(index(out, path, **chosen)[1]) == 1, chosen
        assert not index(out, path, **chosen)[1], chosen
        columns = table.open_file(table.files(out)[0]).schema_arrow.names
        assert ("embedding" in columns) == (chosen.get("what") != ("labels",))
        there = os.path.isdir(table.patches_path(out, table.stem(path)))
        assert there == (chosen.get("what") != ("labels",))


def check_classes():
    """Labels told by words, of a file that is then another."""
    path, out = os.path.join(VIDEOS, "ntsc.mov"), os.path.join(FOLDER, "classes")
    classes = os.path.join(FOLDER, "classes.safetensors")
    shutil.copy(os.path.join(CLIP, "classes.safetensors"), classes)
    for name in os.listdir(CLIP):
        if name == "classes.json":
            shutil.copy(os.path.join(CLIP, name), FOLDER)
    chosen = {"model": CLIP, "classes": classes, "what": ("labels",)}
    index(out, path, **chosen)
    labels = [row["labels"] for row in rows_of(out, path)]
    assert all(len(found) == 3 and found[0]["score"] >= found[1]["score"] for found in labels)
    assert not index(out, path, **chosen)[1]
    os.utime(classes)
    assert index(out, path, **chosen)[1]


def check_pictures():
    names = videos.make_pictures(PICTURES)
    out = os.path.join(FOLDER, "out-pictures")
    made, called = index(out, PICTURES)
    assert called == ["index_pictures"] and len(table.files(out)) == 1, called
    assert set(made.errors) == {os.path.join(PICTURES, names[-1])}, made.errors
    rows = {row["video"]: row for path in table.files(out)
            for row in table.open_file(path).read().to_pylist()}
    assert len(rows) == len(names) - 1
    for name in names[:-1]:
        path = os.path.join(PICTURES, name)
        want = dict(plain.all_rows(path, MODEL)[0], pts=None, stream_time=None)
        check_equal([rows[path]], [want], path)
    # Of a picture that is added, or changes, that one alone.
    shutil.copy(os.path.join(PICTURES, names[0]), os.path.join(PICTURES, "added.jpg"))
    made, _ = index(out, PICTURES)
    assert made.there == len(names) - 1 and made.progress.rows == 1
    os.utime(os.path.join(PICTURES, names[1]))
    made, _ = index(out, PICTURES)
    assert made.progress.rows == 1, made.progress.rows
    rows = [row["video"] for path in table.files(out)
            for row in table.open_file(path).read().to_pylist()]
    assert len(rows) == len(set(rows)) == len(names)


def check_died():
    """A video whose process dies again and again is an error; one of whose slices that is
    said is done as a whole."""
    out = os.path.join(FOLDER, "died")
    path = os.path.join(VIDEOS, "long.webm")
    chosen = settings.Settings(model=MODEL, every=HALF)
    made = archive.Archive(out, chosen, frames.describe(chosen, 1), 1,
                           videos.SLICE_SECONDS * Gst.SECOND, 30)
    made.plan(path)
    first = made.todo.popleft()
    made.take(first.key, ("its process died", "a trace"))
    assert [(row["video"], row["message"], row["debug"]) for row in made.errors.values()] == [
        (path, "its process died", "a trace")] and not made.todo
    called = []
    made.plan(path)
    while made.todo:
        piece = made.todo.popleft()
        called.append(piece.name)
        more = {"report": lambda *_: None} if piece.reports else {}
        made.take(piece.key, ("its process died", "") if piece.name == "index_slice"
                  else getattr(work, piece.name)(*piece.arguments, **more))
    assert called == ["index_video"] + 3 * ["index_slice"] + ["join_slices", "index_video"], called
    assert not made.errors and len(rows_of(out, path)) == 2 * videos.LONG_SECONDS


def check_choice():
    whole = choice.Choice(10)
    times = [0, 3, 9, 10, 25, 26, 31, 39, 40, 58]
    taken = [time for time in times if whole.takes(time)]
    assert taken == [0, 10, 25, 31, 40, 58] and whole.counted == len(times)
    parts = choice.slices(60, 20, 10)
    assert parts == [(None, 20), (20, 40), (40, None)], parts
    found = []
    for part in parts:
        some = choice.Choice(10, *part)
        found += [time for time in times if some.takes(time) and not some.ended]
    assert found == taken, found
    assert choice.slices(29, 20, 10) == [(None, None)] == choice.slices(90, 0, 10)
    assert choice.slices(95, 25, 10)[0] == (None, 30)


def check_list():
    listed = os.path.join(FOLDER, "list.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write(f"# a comment\n\n{VIDEOS}/small.webm\nfile://{VIDEOS}/small.webm\n"
                   f"{PICTURES}/picture%200.jpg\n{FOLDER}/missing.mp4\n"
                   f"file://{FOLDER}/it%20is%20gone.mp4\nhttp://host/a%20b.png\n")
    found, pictures, missing = sources.listing(listed)
    assert [source.name for source in found] == [f"{VIDEOS}/small.webm"], found
    assert [source[:2] for source in pictures] == [("http://host/a%20b.png", -1)], pictures
    assert [name for name, _ in missing] == [
        f"{PICTURES}/picture%200.jpg", f"{FOLDER}/missing.mp4",
        f"{FOLDER}/it is gone.mp4"], missing
    assert settings.nanoseconds("1.5s") == 3 * HALF and settings.nanoseconds("0") == 0
    assert table.stem("/a/it's b.webm") != table.stem("/c/it's b.webm")


def check_unread():
    """A folder that cannot be read is an error as long as that is so.  The error is made
    here, as root may read all."""
    place, out = os.path.join(FOLDER, "unread"), os.path.join(FOLDER, "out-unread")
    closed, kept = os.path.join(place, "closed"), os.scandir
    os.makedirs(closed)
    os.makedirs(out)
    shutil.copy(os.path.join(VIDEOS, "small.webm"), closed)

    def scandir(folder):
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return kept(folder)

    os.scandir = scandir
    try:
        made, called = index(out, place)
    finally:
        os.scandir = kept
    assert not called and made.errors[closed]["message"] == "Permission denied", made.errors
    made, called = index(out, place)
    assert called == ["index_video"] and not made.errors, made.errors
    assert not table.read_errors(out).num_rows


def check_irregular():
    """What is no file is an error before it is opened: a pipe that nobody writes to would
    hold a worker for ever."""
    place = os.path.join(FOLDER, "irregular")
    os.makedirs(place)
    os.mkfifo(os.path.join(place, "pipe.mp4"))
    os.symlink("/dev/zero", os.path.join(place, "zero.png"))
    listed = os.path.join(FOLDER, "irregular.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write(f"FILE://{place}/pipe.mp4\nfile:///a%00b.mp4\n")
    for archive_, named in ((place, ["pipe.mp4", "zero.png"]), (listed, ["pipe.mp4"])):
        found, pictures, missing = sources.listing(archive_)
        assert not found and not pictures, (found, pictures)
        assert missing[:len(named)] == [(os.path.join(place, name), "it is no regular file")
                                        for name in named], missing
    assert missing[1:] == [("/a\0b.mp4", "no file has such a name")], missing
    with open(os.path.join(os.fsencode(place), b"\xff.mp4"), "wb"):
        source = sources.of_name(names.uri(os.path.join(place, os.fsdecode(b"\xff.mp4"))))
    assert source.name.endswith("/\udcff.mp4") and source.size == 0, source


def check_lock():
    """One index.py at a time.  The folder may be a stranger's: links in it are not followed,
    and what they lead to stays."""
    import index as command

    place, kept = os.path.join(FOLDER, "locked"), os.path.join(FOLDER, "kept")
    os.makedirs(os.path.join(place, "frames"))
    os.makedirs(kept)
    with open(os.path.join(kept, "text"), "w", encoding="utf-8") as file:
        file.write("stays")

    def is_refused():
        try:
            command.lock(place).close()
        except SystemExit as end:
            return str(end.code)
        return None

    os.symlink(os.path.join(kept, "text"), os.path.join(place, ".lock"))
    assert is_refused().startswith(place + ": "), is_refused()
    os.unlink(os.path.join(place, ".lock"))
    with command.lock(place):
        assert "another index.py" in is_refused()
    assert not is_refused()
    os.symlink(kept, os.path.join(place, "frames", ".a.part"))
    archive.clear(place)
    assert not os.listdir(os.path.join(place, "frames"))
    with open(os.path.join(kept, "text"), encoding="utf-8") as file:
        assert file.read() == "stays"


def check_progress():
    """Frames are all that are decoded, rows those that are looked at."""
    path, out = os.path.join(VIDEOS, "small.webm"), os.path.join(FOLDER, "progress")
    made, _ = index(out, path)
    assert (made.progress.rows, made.progress.frames) == (4, 50), made.progress.frames
    shown, told = progress.Progress(2, 1000), []
    shown._seen = [(shown._begin - 10, 0)]
    shown.add(1, 500, 4, 50)
    text = shown.text([(2, 70, 250)])
    speed = float(text.split(" rows, ")[1].split(" frames a second")[0])
    assert text.startswith("1 of 2, 0 bad, 6 rows, ") and 10 < speed <= 12, text
    source, chosen = sources.of_name(path), settings.Settings(model=MODEL, every=HALF)
    work.index_video(out, source, chosen, frames.describe(chosen, 1),
                     {"threads": 1, "patience": 30}, lambda *numbers: told.append(numbers))
    assert told and all(len(numbers) == 3 for numbers in told), told


def check_shards():
    """More frames than are held in memory at once."""
    kept, patches.SHARD, patches.CHUNK = (patches.SHARD, patches.CHUNK), 40000, 10000
    try:
        check_slices(("sliced-few", "unsliced-few"))
    finally:
        patches.SHARD, patches.CHUNK = kept


CHECKS = [
    ("of every n ns one frame is chosen, of slices the same", check_choice),
    ("lists name videos and pictures, each once", check_list),
    ("a folder that cannot be read is an error", check_unread),
    ("a pipe or device is an error, and not opened", check_irregular),
    ("one index.py at a time, and no link is followed", check_lock),
    ("frames a second are those that are decoded", check_progress),
    ("all videos have a plain pipeline's rows, bit for bit", check_all_videos),
    ("bad videos are errors with the pipeline's message", check_errors),
    ("patches are a plain pipeline's, as xarray opens them", check_patches),
    ("frames may change their size in mid-stream", check_grown),
    ("a video in slices is the same as a whole", check_slices),
    ("so it is where patches are written a few at a time", check_shards),
    ("slices are resumed, and joined only where they fit", check_slices_resume),
    ("what is there stays, what changed is done again", check_resume),
    ("other settings are another table", check_settings),
    ("classes told by words are labels", check_classes),
    ("where a process dies the video is an error, or done as a whole", check_died),
    ("pictures have a row each, bad ones are errors", check_pictures),
]

if __name__ == "__main__":
    Gst.init(None)
    try:
        videos.make_archive(VIDEOS)
        good = tap.run(CHECKS)
    finally:
        frames.forget()
        shutil.rmtree(FOLDER)
    sys.exit(not good)
