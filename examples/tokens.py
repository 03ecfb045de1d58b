#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the patch tokens of a video as numpy arrays, and prints for each frame
the patch that is most unlike the frame before.

    python3 examples/tokens.py [FILE | URI] [MODEL]

Without arguments it takes examples/media/clip.webm and the built-in model."""
import os
import sys

MISSING = ("{}: build with -Dintrospection=enabled, and call this by `meson devenv -C build"
           " -w $PWD python3 examples/tokens.py`, or let GST_PLUGIN_PATH name"
           " build/plugin/module, and GI_TYPELIB_PATH and LD_LIBRARY_PATH build/plugin.")

try:
    import gi
    import numpy
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
    import gi.overrides.Gst  # maps buffers without copying them
except (ImportError, ValueError) as error:
    sys.exit(f"{sys.executable} lacks what this takes ({error}): install python3-gi,"
             " python3-gst-1.0 and python3-numpy, and call the Python that they are for,"
             " on Debian /usr/bin/python3.")
try:
    gi.require_version("GstVit", "1.0")
    from gi.repository import GstVit
except (ImportError, ValueError) as error:
    sys.exit(MISSING.format(error))


class Tokens:
    """The tokens of one frame, or an encoder's features, where they lie: `values`
    is a view of the memory that the element wrote, [n_tokens, embed_dim], and good
    until close()."""

    def __init__(self, frame):
        # After most blocks, if an encoder made features; else the tokens.
        meta = GstVit.buffer_get_vit_tokens_meta_deepest(frame)
        if meta is None:
            raise ValueError("a frame without tokens")
        self.n_blocks = meta.n_blocks
        self.grid = (meta.grid_height, meta.grid_width)
        # Keeps the memory, however long the frame itself lives.
        self._buffer = meta.get_tokens()
        self._map = self._buffer.map(Gst.MapFlags.READ)
        self.values = numpy.frombuffer(self._map.data, numpy.float32).reshape(
            meta.n_tokens, meta.embed_dim)
        # Row by row; what comes before them stands for no patch.
        self.patches = self.values[meta.n_prefix_tokens:]

    def close(self):
        self.values = self.patches = None
        self._buffer.unmap(self._map)


def most_unlike(before, now):
    """(column, row, distance) of the patch whose token moved furthest."""
    distances = numpy.linalg.norm(now.patches - before.patches, axis=1)
    row, column = numpy.unravel_index(distances.argmax(), now.grid)
    return column, row, distances.max()


def describe(frame, before, now):
    if before is None or before.values.shape != now.values.shape:
        kind = f"features after block {now.n_blocks}" if now.n_blocks else "tokens"
        return f"{now.values.shape[0]} {kind} of {now.values.shape[1]} numbers"
    column, row, distance = most_unlike(before, now)
    if distance == 0:
        return "as the frame before"
    # The place in this very frame, also where it was scaled on its way.
    rect = GstVit.buffer_get_vit_tokens_meta_deepest(frame).get_patch_rect(column, row)
    return "most unlike: the patch at {:g},{:g}, {:g} x {:g} pixels, by {:.3g}".format(
        *rect, distance)


def make_pipeline(uri, model):
    # Not uridecodebin: in GStreamer 1.28 y4mdec may push frames before that has
    # linked it, and as the error is lost the pipeline would wait for ever.
    try:
        pipeline = Gst.parse_launch(
            "uridecodebin name=source ! videoconvert ! vitpatchembed name=tokens"
            " ! appsink name=sink sync=false max-buffers=4")
    except GLib.Error as error:
        sys.exit(MISSING.format(error.message))
    pipeline.get_by_name("source").props.uri = uri
    pipeline.get_by_name("tokens").props.model = model
    return pipeline


def text_of(message, source):
    """What an error says; one of the video's source does not tell which video."""
    text = message.parse_error()[0].message
    return f"{source.props.uri}: {text}" if message.src.has_as_ancestor(source) else text


def frames_of(pipeline):
    """Yields the frames until the stream ends; an error ends the program."""
    sink, bus = pipeline.get_by_name("sink"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    while True:
        sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
        if sample:
            yield sample.get_buffer()
        elif message := bus.pop_filtered(Gst.MessageType.ERROR):
            sys.exit(text_of(message, pipeline.get_by_name("source")))
        elif sink.props.eos:
            return


def print_frames(pipeline):
    before = None
    for frame in frames_of(pipeline):
        now = Tokens(frame)
        print(f"{frame.pts / Gst.SECOND:8.3f} s ", describe(frame, before, now))
        if before:
            before.close()
        before = now
    if before:
        before.close()


def main():
    Gst.init(None)
    here = os.path.dirname(os.path.abspath(__file__))
    name = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "media/clip.webm")
    model = sys.argv[2] if len(sys.argv) > 2 else None
    pipeline = make_pipeline(
        name if Gst.uri_is_valid(name) else Gst.filename_to_uri(name), model)
    try:
        print_frames(pipeline)
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
