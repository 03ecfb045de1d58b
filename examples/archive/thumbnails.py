# SPDX-License-Identifier: MIT
"""Small JPEG pictures of frames, decoded when they are wanted and no others.

A video is opened once for all its frames.  Each is sought to by its position, exactly;
where a video cannot be sought in, it is decoded up to there."""
import collections
import time as clock

import frames
import names
from frames import Gst, PipelineError

import gi
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, GstVideo  # noqa: E402

WIDTH, HEIGHT = 320, 240
# Seconds for one frame.
PATIENCE = 30


def fitted(width, height, aspect):
    """(width, height) in WIDTH x HEIGHT, even; aspect: of a pixel, width by height."""
    shape = width * aspect, height
    scale = min(1, WIDTH / shape[0], HEIGHT / shape[1])
    return tuple(max(2, 2 * round(side * scale / 2)) for side in shape)


def jpeg(sample):
    """Bytes, of a decoded frame."""
    caps = frames.structure_of(sample)
    has_one, numerator, denominator = caps.get_fraction("pixel-aspect-ratio")
    width, height = fitted(caps.get_int("width")[1], caps.get_int("height")[1],
                           numerator / denominator if has_one and denominator else 1)
    small = Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},"
                                 "pixel-aspect-ratio=1/1")
    try:
        for caps in (small, Gst.Caps.from_string("image/jpeg")):
            sample = GstVideo.video_convert_sample(sample, caps, PATIENCE * Gst.SECOND)
    except GLib.Error as error:
        raise PipelineError(error.message) from error
    buffer = sample.get_buffer()
    return buffer.extract_dup(0, buffer.get_size())


class _Video:
    """A video that is stopped at one frame after the other."""

    def __init__(self, uri):
        Gst.init(None)
        self.pipeline = Gst.parse_launch(
            frames.SOURCE + " ! videoconvert ! appsink name=sink sync=false max-buffers=1")
        self.pipeline.get_by_name("source").set_property("uri", uri)
        self.sink, self.bus = self.pipeline.get_by_name("sink"), frames.Bus(self.pipeline)
        self.pipeline.set_state(Gst.State.PAUSED)
        self._first = None

    def _pull(self, signal):
        """The next frame, None at the end."""
        end = clock.monotonic() + PATIENCE
        while clock.monotonic() < end:
            sample = self.sink.emit(signal, frames.POLL)
            self.bus.check()
            if sample or self.sink.props.eos:
                return sample
        raise PipelineError(f"no frame was decoded for {PATIENCE} seconds")

    def at(self, time):
        """The sample that is shown at `time`, ns, None: the first; or None where there
        is none.  Raises PipelineError."""
        if self._first is None:     # a sink hands one out once
            self._first = self._pull("try-pull-preroll")
        sample = self._first
        if time:
            if self.pipeline.seek_simple(
                    Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, time):
                sample = self._pull("try-pull-preroll")
            else:
                sample = self._decode_to(time)
        return sample

    def _decode_to(self, time):
        self.pipeline.set_state(Gst.State.PLAYING)
        while sample := self._pull("try-pull-sample"):
            if sample.get_segment().to_stream_time(
                    Gst.Format.TIME, sample.get_buffer().pts) >= time:
                break
        self.pipeline.set_state(Gst.State.PAUSED)
        return sample

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


def _of_video(name, times):
    """{time: JPEG, or a PipelineError}."""
    found = dict.fromkeys(times, PipelineError("there is no such frame"))
    try:
        video = _Video(names.opened(name))
    except OSError as error:
        return dict.fromkeys(times, PipelineError(error.strerror))
    try:
        for time in sorted(times, key=lambda time: time or 0):
            sample = video.at(time)
            if sample:
                found[time] = jpeg(sample)
    except PipelineError as error:
        # It opens no better for the others.
        found = {time: error if isinstance(had, PipelineError) else had
                 for time, had in found.items()}
    finally:
        video.close()
    return found


def of(wanted):
    """[(name, time)], as the table has them, time in ns or None: in their order the JPEG
    of each, or a PipelineError that tells why there is none."""
    by_video = collections.defaultdict(set)
    for name, time in wanted:
        by_video[name].add(time)
    found = {name: _of_video(name, times) for name, times in by_video.items()}
    return [found[name][time] for name, time in wanted]
