# SPDX-License-Identifier: MIT
"""The rows that an archive must have, by a plain pipeline in this process: nothing of
examples/archive.  It encodes each frame, and the rows of those that are looked at are
taken out of these."""
import pathlib

import gi
import numpy
gi.require_version("Gst", "1.0")
gi.require_version("GstVit", "1.0")
from gi.repository import Gst, GstVit


def numbers(buffer):
    return numpy.frombuffer(buffer.extract_dup(0, buffer.get_size()), numpy.float32)


def row_of(sample, number):
    buffer = sample.get_buffer()
    size = sample.get_caps()[0]
    embedding = GstVit.buffer_get_vit_embedding_meta(buffer, GstVit.EmbeddingKind.EMBEDDING)
    logits = GstVit.buffer_get_vit_embedding_meta(buffer, GstVit.EmbeddingKind.LOGITS)
    features = GstVit.buffer_get_vit_tokens_meta_deepest(buffer)
    labels = [logits.get_label(i) for i in range(logits.get_n_labels())]
    return {
        "frame": number, "pts": buffer.pts,
        "stream_time": sample.get_segment().to_stream_time(Gst.Format.TIME, buffer.pts),
        "width": size.get_int("width")[1], "height": size.get_int("height")[1],
        "embedding": numbers(embedding.get_values()),
        "labels": [{"label": name, "class": index, "score": score}
                   for _, index, name, score in labels],
        "model_id": embedding.get_model_id(),
        "patches": numbers(features.get_tokens()).reshape(
            features.n_tokens, -1)[features.n_prefix_tokens:].reshape(
                features.grid_height, features.grid_width, -1),
    }


def all_rows(path, model, max_tokens=0):
    """A dict of each frame."""
    pipeline = Gst.parse_launch(
        "uridecodebin name=source expose-all-streams=false caps=video/x-raw ! videoconvert ! vitpatchembed name=tokens"
        " ! vitencoder top=3 ! appsink name=sink sync=false")
    pipeline.get_by_name("source").set_property("uri", pathlib.Path(path).as_uri())
    pipeline.get_by_name("tokens").set_property("model", model)
    pipeline.get_by_name("tokens").set_property("max-tokens", max_tokens)
    sink, rows = pipeline.get_by_name("sink"), []
    pipeline.set_state(Gst.State.PLAYING)
    while sample := sink.emit("try-pull-sample", 20 * Gst.SECOND):
        rows.append(row_of(sample, len(rows)))
    assert sink.props.eos, pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    return rows


def every(rows, time):
    """The first of each `time` ns that has one; 0: all."""
    if not time:
        return rows
    first = {}
    for row in rows:
        first.setdefault(row["stream_time"] // time, row)
    return list(first.values())
