#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Slices of a long video join where they belong together, also over a gap and from
machines that compute a little otherwise, and are refused else.  TAP on standard output.

    test_slices.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import copy
import os
import shutil
import sys
import tempfile

import numpy

SOURCE = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(SOURCE, "examples/archive"))

import frames  # noqa: E402
import settings  # noqa: E402
import sources  # noqa: E402
import table  # noqa: E402
import tap  # noqa: E402
import videos  # noqa: E402
import work  # noqa: E402
from gi.repository import Gst  # noqa: E402
from indexing import MODEL, index, rows_of  # noqa: E402

FOLDER = tempfile.mkdtemp(prefix="archive-")
VIDEO, GAP = os.path.join(FOLDER, "video.webm"), os.path.join(FOLDER, "gap.mkv")
# Of GAP; what lies between 10 and 20 s is a slice of its own, and empty.
GAP_SECONDS = (0, 1, 2, 3, 4, 24, 25, 26, 27, 28, 33, 34)
CUT = 10 * Gst.SECOND


def check_gap():
    outs = [os.path.join(FOLDER, name) for name in ("gap-sliced", "gap-whole")]
    _, called = index(outs[0], GAP, CUT, every=0)
    assert called == ["index_video"] + 3 * ["index_slice"] + ["join_slices"], called
    _, called = index(outs[1], GAP, 0, every=0)
    assert called == ["index_video"], called
    first, second = (rows_of(out, GAP) for out in outs)
    assert first == second
    assert [row["stream_time"] // Gst.SECOND for row in first] == list(GAP_SECONDS)


def described(what):
    """Of the two slices of VIDEO, with rows of `what`."""
    out = os.path.join(FOLDER, "described")
    chosen = settings.Settings(model=MODEL, every=0, what=what)
    model, source = frames.describe(chosen, 1), sources.of_name(VIDEO)
    found = []
    for number, part in enumerate(((None, CUT), (CUT, None))):
        result = work.index_slice(out, source, number, part, chosen, model,
                                  {"threads": 1, "patience": 30}, lambda *_: None)
        assert not result["errors"] and result["rows"] == 20, result
        found.append(table.read_description(work.slice_paths(out, source, number)[0]))
    return found


def check_rounding():
    """What another processor's kernels give is the same frame; another frame's is not."""
    for what in (("embedding",), ("patches",)):
        slices = described(what)
        assert work.fit_together(slices)
        vector = numpy.array(slices[1]["first"][2])
        assert vector.shape == (48,) and vector.any(), vector
        noise = numpy.random.default_rng(1).normal(size=48)
        noise *= numpy.linalg.norm(vector) / numpy.linalg.norm(noise)
        for share, fits in ((1e-5, True), (1e-2, False)):
            other = copy.deepcopy(slices)
            other[1]["first"][2] = (vector + share * noise).tolist()
            assert work.fit_together(other) == fits, share
        for place in (0, 1):   # pts, stream time
            other = copy.deepcopy(slices)
            other[1]["first"][place] += 1
            assert not work.fit_together(other)
        for lacking in ("first", "behind"):
            other = copy.deepcopy(slices)
            other[lacking == "first"][lacking] = None
            assert not work.fit_together(other), lacking
    slices = described(("labels",))
    assert work.fit_together(slices) and slices[1]["first"][2] is None


def check_model():
    """A machine that has another model under the path of the first."""
    out = os.path.join(FOLDER, "other-model")
    chosen = settings.Settings(model=MODEL, every=0)
    model, options = ("another", 48), {"threads": 1, "patience": 30, "slice": 0}
    source = sources.of_name(VIDEO)
    for result in (work.index_video(out, source, chosen, model, options, lambda *_: None),
                   work.index_pictures(out, "stem", None, [source], chosen, model, options,
                                       lambda *_: None)):
        (name, message, _), = result["errors"]
        assert name == VIDEO and "the model here is hf-vit" in message, message
        assert result["rows"] == 0 and not table.files(out)


def make_videos():
    videos.launch("videotestsrc pattern=ball num-buffers=40 ! video/x-raw,width=64,height=48,"
                  "framerate=2/1 ! vp8enc keyframe-max-dist=8 ! webmmux", VIDEO)
    patterns = ("smpte", "ball", "snow", "gradient")
    videos.write_frames(GAP, [(second * 1000, videos.jpeg(64, 48, patterns[i % 4]))
                              for i, second in enumerate(GAP_SECONDS)], Gst.SECOND // 2)


CHECKS = [
    ("a slice without a frame joins its neighbours", check_gap),
    ("slices of two processors join, those of two frames do not", check_rounding),
    ("no row of another model is written", check_model),
]

if __name__ == "__main__":
    Gst.init(None)
    try:
        make_videos()
        good = tap.run(CHECKS)
    finally:
        frames.forget()
        shutil.rmtree(FOLDER)
    sys.exit(not good)
