# SPDX-License-Identifier: MIT
"""A pipeline, and the rows of the frames that come out of it.

    uridecodebin ! videoconvert ! vitpatchembed ! vitencoder ! appsink

Frames that are not looked at are dropped where they leave the decoder, so they cost
their decoding alone; those that are keep their timestamps.  videoconvert passes the
formats on that vitpatchembed reads.  What the elements attach is read from the frames
in memory.  Not uridecodebin3: of GStreamer 1.22 it now and then hangs at the start."""
import collections
import threading
import time

import numpy

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVit", "1.0")
    from gi.repository import GLib, Gst, GstVit
except (ImportError, ValueError) as error:
    raise ImportError(
        f"{error}: this takes Debian's python3-gi and python3-gst-1.0, and the plugin's"
        " bindings: build with -Dintrospection=enabled, and call this by `meson devenv -C"
        " build -w $PWD`, or let GST_PLUGIN_PATH name build/plugin/module, and"
        " GI_TYPELIB_PATH and LD_LIBRARY_PATH build/plugin") from error

from choice import Choice

# Nothing but video is decoded.
SOURCE = "uridecodebin name=source expose-all-streams=false caps=video/x-raw"
ELEMENTS = ("videoconvert name=convert ! vitpatchembed name=tokens"
            " ! vitencoder name=features"
            " ! appsink name=sink sync=false max-buffers=4")
# Before a slice: its seek lands there, and what the decoder cuts off lies before it.
MARGIN = Gst.SECOND
POLL = Gst.SECOND // 10

# row: a dict of the table's columns but `settings`; patches: float32 [rows][columns][dim]
# and places: the centres of columns and rows in pixels of the frame, both None where
# they are not asked for.
Frame = collections.namedtuple("Frame", "row patches places")


class PipelineError(Exception):
    """What a pipeline said went wrong: a message, and text for developers."""

    def __init__(self, message, debug=""):
        super().__init__(message, debug)
        self.message, self.debug = message, debug


class Plan(Exception):
    """Not an error: the video is to be cut into slices.  args[0]: its ns."""


def make(description, settings, threads):
    Gst.init(None)
    try:
        pipeline = Gst.parse_launch(description)
    except GLib.Error as error:
        raise PipelineError(error.message) from error
    settings.configure(pipeline.get_by_name("tokens"), pipeline.get_by_name("features"),
                       threads)
    return pipeline


def known(value):
    return None if value == Gst.CLOCK_TIME_NONE else value


def numbers(buffer):
    """float32, a copy of its own."""
    return numpy.frombuffer(buffer.extract_dup(0, buffer.get_size()), numpy.float32)


def labels_of(buffer):
    meta = GstVit.buffer_get_vit_embedding_meta(buffer, GstVit.EmbeddingKind.LOGITS)
    found = [meta.get_label(i) for i in range(meta.get_n_labels())] if meta else []
    return [{"label": name, "class": number, "score": score}
            for _, number, name, score in found]


def patches_of(buffer):
    """(patches, places) as of Frame, or None."""
    meta = GstVit.buffer_get_vit_tokens_meta_deepest(buffer)
    if meta is None or not meta.n_blocks:
        return None
    rows, columns = meta.grid_height, meta.grid_width
    tokens = numbers(meta.get_tokens()).reshape(meta.n_tokens, meta.embed_dim)
    rects = ([meta.get_patch_rect(column, 0) for column in range(columns)],
             [meta.get_patch_rect(0, row) for row in range(rows)])
    places = (tuple(x + width / 2 for x, _, width, _ in rects[0]),
              tuple(y + height / 2 for _, y, _, height in rects[1]))
    return tokens[meta.n_prefix_tokens:].reshape(rows, columns, -1), places


def structure_of(sample):
    """Of its caps.  get_structure() of GStreamer 1.26's bindings wraps it, for `with`."""
    return sample.get_caps()[0]


def frame_of(sample, settings, video, number):
    """Raises PipelineError where a frame lacks what is asked for."""
    buffer, caps = sample.get_buffer(), structure_of(sample)
    pts = known(buffer.pts)
    row = {"video": video, "frame": number, "pts": pts,
           "stream_time": None if pts is None else known(
               sample.get_segment().to_stream_time(Gst.Format.TIME, pts)),
           "width": caps.get_int("width")[1], "height": caps.get_int("height")[1],
           "labels": labels_of(buffer)}
    tokens = GstVit.buffer_get_vit_tokens_meta(buffer)
    row["model_id"] = tokens.get_model_id() if tokens else None
    if "embedding" in settings.what:
        meta = GstVit.buffer_get_vit_embedding_meta(
            buffer, GstVit.EmbeddingKind.EMBEDDING)
        if meta is None:
            raise PipelineError(f"frame {number} has no embedding")
        row["embedding"] = numbers(meta.get_values())
    if "patches" not in settings.what:
        return Frame(row, None, None)
    found = patches_of(buffer)
    if found is None:
        raise PipelineError(f"frame {number} has no features")
    return Frame(row, *found)


class Bus:
    """What a pipeline says: check() raises what is wrong."""

    def __init__(self, pipeline):
        self._bus, self._warning, self._missing = pipeline.get_bus(), None, ""

    def check(self):
        while message := self._bus.pop_filtered(
                Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.ELEMENT):
            self._look_at(message)

    def _look_at(self, message):
        if message.type == Gst.MessageType.WARNING:
            self._warning = message.parse_warning()
        elif message.type == Gst.MessageType.ERROR:
            error, debug = message.parse_error()
            text = error.message
            if error.matches(Gst.CoreError.quark(), Gst.CoreError.MISSING_PLUGIN):
                text = f"there is no video in it that can be decoded{self._missing}"
            raise PipelineError(text, debug or "")
        elif message.has_name("missing-plugin"):
            self._missing += f"; no plugin for {message.get_structure().get_string('name')}"

    def explain(self, error):
        """`error`, with the last warning where it has no text of its own."""
        if error.debug or not self._warning:
            return error
        warning, debug = self._warning
        return PipelineError(f"{error.message}: {warning.message}", debug or "")


class Video:
    """The frames of a video, or of a slice of it; iterate once.

    video: as the table has it; uri: to open.  part: (start, end) as of Choice.
    longest: a video longer than so many ns raises Plan instead, if it can be sliced.
    patience: seconds without a decoded frame after which it is given up.

    duration: in ns, when it has begun; None where it is not known.
    choice.counted is then the number of frames; `seam` the frame behind the slice, a
    Frame, or None where the video ends in it."""

    def __init__(self, video, uri, settings, threads, part=(None, None), longest=None,
                 patience=120):
        self.video, self.settings, self.longest = video, settings, longest
        self.choice = Choice(settings.every, *part)
        self.patience, self.seam, self.duration = patience, None, None
        queue = " ! queue max-size-buffers=4 max-size-bytes=0 max-size-time=0" * (threads > 1)
        self.pipeline = make(SOURCE + queue + " ! " + ELEMENTS, settings, threads)
        self._source = self.pipeline.get_by_name("source")
        self._source.set_property("uri", uri)
        self._added = self._source.connect("pad-added", self._pad_added)
        self._bus, self._segment = Bus(self.pipeline), None
        self._taken = collections.deque()   # (number, pts) on their way to the sink
        self._first, self._go = threading.Event(), threading.Event()
        self._over = False                  # the frame behind the slice is among them
        self._discards, self._pad, self._probed = False, None, None
        self._heard = time.monotonic()

    def _pad_added(self, _source, pad):
        if self._pad is not None:   # a second video in the file
            return
        self._pad = pad
        self._probed = pad.add_probe(
            Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM
            | Gst.PadProbeType.EVENT_FLUSH, self._probe)

    def _probe(self, _pad, info):
        """On the decoder's thread, for each event and frame."""
        if not info.type & Gst.PadProbeType.BUFFER:
            event = info.get_event()
            if event.type == Gst.EventType.SEGMENT:
                self._segment = event.parse_segment().copy()
            elif event.type == Gst.EventType.FLUSH_STOP:
                self._discards = False
            return Gst.PadProbeReturn.OK
        self._heard = time.monotonic()
        if not self._go.is_set():   # the first frame: it is not yet said what is wanted
            self._first.set()
            self._go.wait()
        if self._discards:
            return Gst.PadProbeReturn.DROP
        pts, moment = known(info.get_buffer().pts), None
        if pts is not None:
            moment = self._moment(info.get_buffer())
            if moment is None:
                return Gst.PadProbeReturn.DROP
        number = self.choice.counted
        if not self.choice.takes(moment):
            return Gst.PadProbeReturn.DROP
        self._taken.append((number, pts, self.choice.ended))
        self._over = self.choice.ended
        return Gst.PadProbeReturn.OK

    def _moment(self, buffer):
        """Position of a frame in the video, in ns; None: it lies outside of the segment.
        Decoders drop these; where nothing is decoded, a seek lets them pass."""
        duration = known(buffer.duration)
        inside, begin, _ = self._segment.clip(
            Gst.Format.TIME, buffer.pts, buffer.pts + (duration or 0))
        return known(self._segment.to_stream_time(Gst.Format.TIME, begin)) if inside else None

    def _wait(self, since):
        """Raises PipelineError where nothing is decoded though it could be: since `since`,
        monotonic, the decoder has had someone who takes its frames."""
        self._bus.check()
        if not self._taken and time.monotonic() - max(since, self._heard) > self.patience:
            raise PipelineError(f"no frame was decoded for {self.patience} seconds")

    def _begin(self):
        """Up to the first frame: asks for slices, or goes to the start of one."""
        self.pipeline.set_state(Gst.State.PLAYING)
        sink, began = self.pipeline.get_by_name("sink"), time.monotonic()
        while not self._first.wait(0.01):
            self._wait(began)
            if sink.props.eos:
                raise PipelineError("no frame could be decoded")
        is_known, duration = self.pipeline.query_duration(Gst.Format.TIME)
        self.duration = duration if is_known else None
        if is_known and self.longest is not None and duration > self.longest:
            self._ask_for_slices()
        if self.choice.start is not None:
            self._discards = True
            self._go.set()
            if not self.pipeline.seek_simple(
                    Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE,
                    max(0, self.choice.start - MARGIN)):
                raise PipelineError("a seek failed")
        self._go.set()

    def _ask_for_slices(self):
        seeking = Gst.Query.new_seeking(Gst.Format.TIME)
        if self.pipeline.query(seeking) and seeking.parse_seeking()[1]:
            raise Plan(self.duration)

    def _take(self, sample):
        number, pts, behind = self._taken.popleft()
        if known(sample.get_buffer().pts) != pts:
            raise PipelineError(f"frame {number} was lost on its way")
        frame = frame_of(sample, self.settings, self.video, number)
        if behind:
            self.seam = frame
        return frame, behind

    def _frames(self):
        self._begin()
        sink = self.pipeline.get_by_name("sink")
        asked = time.monotonic()
        while not (self._over and not self._taken):
            self._bus.check()
            sample = sink.emit("try-pull-sample", POLL)
            if sample:
                frame, behind = self._take(sample)
                if not behind:
                    yield frame
                asked = time.monotonic()
            elif sink.props.eos:
                self._bus.check()
                break
            else:
                self._wait(asked)

    def __iter__(self):
        try:
            yield from self._frames()
        except PipelineError as error:
            raise self._bus.explain(error) from error
        finally:
            self._discards = True
            self._go.set()
            self._end()

    def _end(self):
        """The pipeline holds both callbacks and these hold it, which Python does not see:
        while they are connected it is never freed."""
        self.pipeline.set_state(Gst.State.NULL)
        self._source.disconnect(self._added)
        if self._pad is not None:
            self._pad.remove_probe(self._probed)


# The last settings and number of threads, and a pipeline that has come to its end: as long
# as it is there, the model stays loaded.
kept = {}


def keep(settings, threads):
    """Has a model loaded once for all videos of a process."""
    if (settings, threads) not in kept:
        describe(settings, threads)


def forget():
    """Lets the model go."""
    for pipeline in kept.values():
        pipeline.set_state(Gst.State.NULL)
    kept.clear()


def describe(settings, threads=0):
    """(model id, dim or None) of a model, from a picture that is no one's.  Raises
    PipelineError where it has not what the settings ask for."""
    pipeline = make("videotestsrc num-buffers=1 ! video/x-raw,format=RGB,width=224,height=224"
                    " ! " + ELEMENTS, settings, threads)
    bus = Bus(pipeline)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while not (sample := sink.emit("try-pull-sample", POLL)):
            bus.check()
            if sink.props.eos:
                raise PipelineError("the model gives nothing")
        row = frame_of(sample, settings, "", 0).row
        if "labels" in settings.what and not row["labels"]:
            raise PipelineError("no label: the model has no classifier, and no --classes are given")
    except PipelineError as error:
        pipeline.set_state(Gst.State.NULL)
        raise bus.explain(error) from error
    forget()
    kept[settings, threads] = pipeline
    return row["model_id"], len(row["embedding"]) if "embedding" in row else None
