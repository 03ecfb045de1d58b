#!/usr/bin/env python3
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


def make_videos():
    videos.launch(f"videotestsrc pattern=ball num-buffers={SMALL_FRAMES} ! video/x-raw,width=64,"
                  "height=48,framerate=5/1 ! vp8enc ! webmmux", path_of("small.webm"))


CHECKS = [
    ("a video that is done leaves no open file", check_freed),
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
