# SPDX-License-Identifier: MIT
"""The vector that is searched for: of a picture, a frame of a video or a file.

Pictures and frames go through the pipeline that made the index, with its model and its
settings, so that a frame of the index has the very vector that stands there."""
import contextlib
import dataclasses
import os

import numpy

import frames
import names
import settings as settings_module
from vectors import Refused


def settings_of(vectors, model=None):
    """Settings that give embeddings as those of the index.  model: instead of the path
    that stands there."""
    known = {field.name for field in dataclasses.fields(settings_module.Settings)}
    held = {key: value for key, value in vectors.settings.items() if key in known}
    held.update(what=("embedding",), classes=None, every=0)
    if model:
        held["model"] = os.path.abspath(model)
    if not os.path.exists(held["model"]):
        raise Refused(f"{held['model']}, the model of the index, is not there: "
                      "tell where it is with --model")
    return settings_module.Settings(**held)


def digest(model_id):
    return model_id.rpartition("#")[2]


def check(row, vectors):
    if digest(row["model_id"]) != digest(vectors.model_id):
        raise Refused(f"the model is {row['model_id']}, but the index was made with "
                      f"{vectors.model_id}: their vectors have nothing in common")
    if len(row["embedding"]) != vectors.dim:
        raise Refused(f"the model's vectors have {len(row['embedding'])} numbers, those of "
                      f"the index {vectors.dim}")


class _From:
    """A Choice that waits for a time without a seek."""

    start = end = None
    ended = False

    def __init__(self, time):
        self.time, self.counted = time, 0

    def takes(self, time):
        self.counted += 1
        return time is None or time >= self.time


def _first(video):
    with contextlib.closing(iter(video)) as found:
        return next(found, None)


def _frame(name, time, settings):
    opened = name, names.uri(name), settings, 0
    try:
        return _first(frames.Video(*opened, part=(time or None, None)))
    except frames.PipelineError as error:
        if error.message != "a seek failed":
            raise
    video = frames.Video(*opened)
    video.choice = _From(time)
    return _first(video)


def of_frame(name, time, vectors, model=None):
    """(float32 [dim], position in ns or None).  name: path or URI of a picture or video;
    time: ns, None or 0: its first frame; else the first that is not before."""
    settings = settings_of(vectors, model)
    try:
        frame = _frame(name, time, settings)
    except frames.PipelineError as error:
        raise Refused(f"{names.shown(name)}: {error.message}") from error
    if frame is None:
        raise Refused(f"{names.shown(name)}: there is no frame at {names.position(time or 0)}"
                      " or behind it")
    check(frame.row, vectors)
    return frame.row["embedding"], frame.row["stream_time"]


def of_file(path, vectors):
    """float64 [dim] of a .npy file, [dim] or [1][dim] of real numbers."""
    try:
        found = numpy.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Refused(f"{path}: {error}") from error
    if not isinstance(found, numpy.ndarray) or found.dtype.kind not in "fiu":
        raise Refused(f"{path} is no .npy file of real numbers")
    if found.shape not in ((vectors.dim,), (1, vectors.dim)):
        raise Refused(f"{path} has the shape {found.shape}; the vectors of the index have "
                      f"{vectors.dim} numbers")
    return found.astype(numpy.float64).ravel()


def check_model(settings, vectors):
    """Whether settings give vectors of the index's model, without a frame of one's own."""
    try:
        model_id, dim = frames.describe(settings)
    except frames.PipelineError as error:
        raise Refused(f"{settings.model}: {error.message}") from error
    finally:
        frames.forget()
    check({"model_id": model_id, "embedding": range(dim)}, vectors)
