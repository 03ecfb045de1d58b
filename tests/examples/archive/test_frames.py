#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The pipelines of frames.py, one video at a time: they are freed, whoever is slow costs
no frame, and slices have the frames of the whole.  TAP on standard output.

    test_frames.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import gc
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

SOURCE = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(SOURCE, "examples/archive"))

import frames  # noqa: E402
import settings  # noqa: E402
import tap  # noqa: E402
import videos  # noqa: E402
from gi.repository import Gst  # noqa: E402

MODEL = os.path.join(SOURCE, "tests/golden/features/hf-vit-classifier")
SETTINGS = settings.Settings(model=MODEL, every=0)
FOLDER = tempfile.mkdtemp(prefix="archive-")
SMALL_FRAMES = 10
RAW = {"raw.avi": "avimux", "raw.mkv": "matroskamux"}
RAW_SECONDS = 6


def path_of(name):
    return os.path.join(FOLDER, name)


def video(name, *part, **more):
    path = path_of(name)
    return frames.Video(path, pathlib.Path(path).as_uri(), SETTINGS, 1, *part, **more)


def open_files():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def check_freed():
    """A pipeline that is not has some ten files open."""
    assert len(list(video("small.webm"))) == SMALL_FRAMES
    before = open_files()
    for _ in range(30):
        assert len(list(video("small.webm"))) == SMALL_FRAMES
    for _ in range(5):   # one that is left in its midst
        found = iter(video("small.webm"))
        next(found)
        found.close()
    assert open_files() - before < 10, (before, open_files())


def check_slow_writer():
    """Far slower than the patience there is with the decoder."""
    found = 0
    for _ in video("small.webm", patience=0.3):
        time.sleep(0.6 if found in (0, 4) else 0)
        found += 1
    assert found == SMALL_FRAMES, found


def check_patience():
    """Where nothing comes, it is told soon after."""
    path = path_of("fifo.y4m")
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)   # it can be opened, and has nothing to read
    begin = time.monotonic()
    killer = threading.Timer(3, os.write, (held, bytes(1 << 16)))
    killer.start()   # what is blocked in a read cannot be stopped
    try:
        list(video("fifo.y4m", patience=0.5))
        raise AssertionError("no error")
    except frames.PipelineError as error:
        assert "no frame was decoded for 0.5 seconds" in error.message, error.message
    finally:
        killer.join()
        os.close(held)
    assert time.monotonic() - begin < 10


def check_late_seam():
    """The thread of the decoder is stopped as it has found the end of a slice."""
    found = video("small.webm", (None, Gst.SECOND))
    takes = found.choice.takes

    def slow(moment):
        taken = takes(moment)
        time.sleep(0.5 if found.choice.ended else 0)
        return taken

    found.choice.takes = slow
    assert [frame.row["frame"] for frame in found] == [0, 1, 2, 3, 4]
    assert found.seam and found.seam.row["stream_time"] == Gst.SECOND, found.seam


def of(frame):
    return frame.row["stream_time"], frame.row["embedding"].tobytes()


def check_raw():
    """Nothing is decoded, so no decoder cuts off what lies before a seek."""
    for name in RAW:
        whole = [of(frame) for frame in video(name)]
        assert len(set(whole)) == len(whole) == RAW_SECONDS * 5, len(set(whole))
        found = []
        for start, end in ((None, 2), (2, 4), (4, None)):
            part = video(name, (start and start * Gst.SECOND, end and end * Gst.SECOND))
            some = list(part)
            assert [frame.row["frame"] for frame in some] == list(range(len(some)))
            found += [of(frame) for frame in some]
            if end:
                assert of(part.seam) == whole[end * 5], name
        assert found == whole, (name, len(found), [a[0] for a in found])


def make_videos():
    videos.launch(f"videotestsrc pattern=ball num-buffers={SMALL_FRAMES} ! video/x-raw,width=64,"
                  "height=48,framerate=5/1 ! vp8enc ! webmmux", path_of("small.webm"))
    for name, muxer in RAW.items():
        videos.launch(f"videotestsrc pattern=snow num-buffers={RAW_SECONDS * 5} ! video/x-raw,"
                      f"format=I420,width=64,height=48,framerate=5/1 ! {muxer}", path_of(name))


CHECKS = [
    ("a video that is done leaves no open file", check_freed),
    ("who takes frames slowly loses none", check_slow_writer),
    ("a video that gives nothing is given up", check_patience),
    ("the frame behind a slice is seen, however late it comes", check_late_seam),
    ("slices of video that is not encoded are those of the whole", check_raw),
]

if __name__ == "__main__":
    Gst.init(None)
    try:
        make_videos()
        frames.keep(SETTINGS, 1)
        good = tap.run(CHECKS)
    finally:
        frames.forget()
        shutil.rmtree(FOLDER)
    sys.exit(not good)
