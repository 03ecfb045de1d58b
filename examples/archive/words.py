# SPDX-License-Identifier: MIT
"""The vector of a text, in the space that it shares with pictures.

The text tower is that of the index's model: of transformers, or of open_clip where the
checkpoint is that, as ../make_classes.py has them.  That the index holds vectors of the
same space is tried: vitencoder, which knows the model's common space, scores a picture
by the text's vector, and that must be the cosine of the picture's embedding with it."""
import os
import sys
import tempfile

import numpy

import frames
import query
from vectors import Refused

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import make_classes  # noqa: E402

# What a score and a cosine, both of float32, may differ by.
MAX_DIFFERENCE = 1e-4
PICTURE = "videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=224,height=224 ! "


def load(model):
    """The text tower.  Raises Refused."""
    try:
        import torch  # noqa: F401
        if os.path.exists(os.path.join(model, "open_clip_config.json")):
            return make_classes.OpenClip(model, None)
        return make_classes.Transformers(model)
    except ImportError as error:
        raise Refused(f"{sys.executable}: {error}.  Texts take torch and transformers, or "
                      "open_clip_torch, in the Python that runs this") from error
    except (OSError, ValueError, SystemExit) as error:
        raise Refused(f"{model}: no text tower can be loaded from it: {error}") from error


def scores(settings, vector):
    """(score of a picture by vitencoder, its embedding)."""
    import torch
    from gi.repository import GstVit

    with tempfile.TemporaryDirectory() as folder:
        classes = os.path.join(folder, "text.safetensors")
        make_classes.save(classes, torch.tensor(vector)[None], ["text"], 1.0, 0.0)
        pipeline = frames.make(PICTURE + frames.ELEMENTS, settings, 0)
        pipeline.get_by_name("features").set_property("classes", classes)
        sink, bus = pipeline.get_by_name("sink"), frames.Bus(pipeline)
        pipeline.set_state(frames.Gst.State.PLAYING)
        try:
            while not (sample := sink.emit("try-pull-sample", frames.POLL)):
                bus.check()
            found = [GstVit.buffer_get_vit_embedding_meta(sample.get_buffer(), kind)
                     for kind in (GstVit.EmbeddingKind.LOGITS, GstVit.EmbeddingKind.EMBEDDING)]
            if None in found:
                raise Refused("the model has no embedding that shares a space with texts")
            score, embedding = (frames.numbers(meta.get_values()) for meta in found)
        finally:
            pipeline.set_state(frames.Gst.State.NULL)
    return float(score[0]), embedding.astype(numpy.float64)


def check_space(settings, vector):
    """vector: of length 1.  Raises Refused."""
    try:
        score, embedding = scores(settings, vector)
    except frames.PipelineError as error:
        raise Refused(f"{settings.model}: {error.message}") from error
    same = len(embedding) == len(vector)
    cosine = embedding @ vector / numpy.linalg.norm(embedding) if same else numpy.nan
    if not abs(cosine - score) <= MAX_DIFFERENCE:
        raise Refused(f"the index holds embedding={settings.embedding} of {settings.model}, "
                      "which is not the vector that shares a space with texts: index it "
                      "with --embedding auto")


def of_text(text, vectors, model=None, template="{}"):
    """float64 [dim], of length 1.  template: {} in it stands for the text."""
    settings = query.settings_of(vectors, model)
    query.check_model(settings, vectors)
    tower = load(settings.model)
    import torch
    with torch.no_grad():
        vector = make_classes.vector(tower, [template.replace("{}", text)]).numpy()
    check_space(settings, vector)
    return vector
