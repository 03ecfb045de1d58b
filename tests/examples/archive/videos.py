# SPDX-License-Identifier: MIT
"""Small videos and pictures of many kinds, made by GStreamer, and those that are bad."""
import os

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst

# Its length is cut into slices, of which each begins with or near a key frame.
LONG_SECONDS, SLICE_SECONDS = 30, 10
# Of those that have rows: what comes before the muxer, and the muxer.
GOOD = {
    "small.webm": "videotestsrc pattern=ball num-buffers=50 ! video/x-raw,width=64,height=48,"
                  "framerate=25/1 ! vp8enc ! webmmux",
    "ntsc.mov": "videotestsrc pattern=ball num-buffers=40 ! video/x-raw,width=176,height=144,"
                "framerate=30000/1001 ! jpegenc ! qtmux",
    "raw.y4m": "videotestsrc pattern=ball num-buffers=20 ! video/x-raw,width=80,height=64,"
               "framerate=10/1 ! y4menc",
    "nine.webm": "videotestsrc pattern=ball num-buffers=25 ! video/x-raw,width=160,"
                "height=128,framerate=25/1 ! vp9enc deadline=1 cpu-used=8 ! webmmux",
    "folder/sound.ogg": "videotestsrc pattern=ball num-buffers=30 ! video/x-raw,width=96,"
                        "height=64,framerate=15/1 ! theoraenc ! oggmux name=mux"
                        " audiotestsrc num-buffers=80 ! vorbisenc ! mux. mux.",
    "folder/it's \"a\" clip; $HOME & ü.mkv":
        "videotestsrc pattern=smpte num-buffers=9 ! video/x-raw,width=128,height=32,"
        "framerate=3/1 ! jpegenc ! matroskamux",
    "long.webm": f"videotestsrc pattern=ball num-buffers={LONG_SECONDS * 10}"
                 " ! video/x-raw,width=96,height=80,framerate=10/1"
                 " ! vp8enc keyframe-max-dist=40 ! webmmux",
    "varying.mkv": None, "grows.mkv": None, "late.mkv": None, "cut.webm": None,
}
# What an error must tell.
BAD = {"sound only.webm": "there is no video in it that can be decoded", "cut.mov": "", "empty.mp4": "",
       "noise.avi": ""}
# ms at which the frames of varying.mkv are.
VARYING = (0, 40, 80, 700, 720, 1500, 1501, 1999, 2000, 2600, 5200, 5210)
# Of the pictures: sizes in pixels, and the encoder.
PICTURES = [(64 + 16 * (i % 3), 64, ("jpegenc", "pngenc")[i % 2]) for i in range(9)]


def launch(description, path):
    pipeline = Gst.parse_launch(description + " ! filesink name=file")
    pipeline.get_by_name("file").set_property("location", path)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        60 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    assert message and message.type == Gst.MessageType.EOS, \
        message and message.parse_error()
    pipeline.set_state(Gst.State.NULL)


def jpeg(width, height, pattern):
    """The bytes of a picture."""
    pipeline = Gst.parse_launch(
        f"videotestsrc num-buffers=1 pattern={pattern} ! video/x-raw,width={width},"
        f"height={height} ! jpegenc ! appsink name=sink")
    pipeline.set_state(Gst.State.PLAYING)
    buffer = pipeline.get_by_name("sink").emit("pull-sample").get_buffer()
    pipeline.set_state(Gst.State.NULL)
    return buffer.extract_dup(0, buffer.get_size())


def write_frames(path, frames, duration=Gst.CLOCK_TIME_NONE):
    """frames: (ms, JPEG).  Into a Matroska file, each at its time; duration: ns of each,
    which need not last until the next."""
    pipeline = Gst.parse_launch(
        "appsrc name=source format=time caps=image/jpeg,width=64,height=48,framerate=0/1"
        " ! matroskamux ! filesink name=file")
    pipeline.get_by_name("file").set_property("location", path)
    source = pipeline.get_by_name("source")
    pipeline.set_state(Gst.State.PLAYING)
    for moment, data in frames:
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts, buffer.duration = moment * Gst.MSECOND, duration
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    message = pipeline.get_bus().timed_pop_filtered(
        60 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    assert message and message.type == Gst.MessageType.EOS
    pipeline.set_state(Gst.State.NULL)


def copy_part(source, target, share):
    with open(source, "rb") as file:
        data = file.read()
    with open(target, "wb") as file:
        file.write(data[:int(len(data) * share)])


def make_bad(folder):
    launch("audiotestsrc num-buffers=50 ! opusenc ! webmmux",
           os.path.join(folder, "sound only.webm"))
    whole = os.path.join(folder, "whole")
    launch("videotestsrc num-buffers=50 ! video/x-raw,width=160,height=128,framerate=25/1"
           " ! jpegenc ! qtmux", whole)
    copy_part(whole, os.path.join(folder, "cut.mov"), 0.5)
    os.unlink(whole)
    open(os.path.join(folder, "empty.mp4"), "wb").close()
    with open(os.path.join(folder, "noise.avi"), "wb") as file:
        file.write(bytes(i * i % 251 for i in range(5000)))


def make_archive(folder):
    """Fifteen files below `folder`: those of GOOD and BAD."""
    os.makedirs(os.path.join(folder, "folder"))
    for name, description in GOOD.items():
        if description:
            launch(description, os.path.join(folder, name))
    patterns = ("smpte", "ball", "snow", "gradient")
    write_frames(os.path.join(folder, "varying.mkv"), [
        (moment, jpeg(64, 48, patterns[i % 4])) for i, moment in enumerate(VARYING)])
    write_frames(os.path.join(folder, "grows.mkv"), [
        (i * 100, jpeg(64 if i < 12 else 96, 48 if i < 12 else 64, patterns[i % 4]))
        for i in range(20)])
    # Its first timestamp is not 0.
    write_frames(os.path.join(folder, "late.mkv"), [
        (3600000 + i * 200, jpeg(64, 64, patterns[i % 4])) for i in range(8)])
    copy_part(os.path.join(folder, "long.webm"), os.path.join(folder, "cut.webm"), 0.4)
    make_bad(folder)


def make_pictures(folder):
    """Returns the names; one of them is bad, the last."""
    os.makedirs(folder)
    names = []
    for i, (width, height, encoder) in enumerate(PICTURES):
        names.append(f"picture {i}.{'jpg' if encoder == 'jpegenc' else 'png'}")
        launch(f"videotestsrc num-buffers=1 pattern={i} ! video/x-raw,width={width},"
               f"height={height} ! {encoder}", os.path.join(folder, names[-1]))
    names.append("picture bad.png")
    copy_part(os.path.join(folder, names[1]), os.path.join(folder, names[-1]), 0.02)
    return names
