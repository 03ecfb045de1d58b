#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times the plugin and its peers in turn and prints the table.

    table.py BENCH CLIP [--quick | --full | --encoder]

BENCH is the program of bench.c.  In every round each row of a group is timed
once, right between two measurements of the machine's multiply-add rate; what is
printed are medians over the rounds.  See run.sh.
"""

import argparse
import os
import random
import statistics
import struct
import subprocess
import tempfile
import time

from encoder import encoder_groups
from rows import ROUNDS, Program, Row, print_head

POSITIONS = (67, 120)
HERE = os.path.dirname(os.path.abspath(__file__))

LEGEND = """\
ms        a frame, median of {rounds} rounds
least     the least of them
peak      the convolution's multiply-adds a second over the machine's own in the
          same moment: float32 rows over fused multiply-adds; int16 rows over
          16-bit ones, where the kernel uses AMX over half of its 8-bit ones, as
          a 16-bit weight takes two; bf16 rows likewise.  A row that multiplies
          less than the convolution can exceed 1 (I420: half, inside the RGB
          cube).  "kernel alone" rows count what they multiply.
best      the same of the fastest round over the highest peak of all rounds:
          says more than the median where other work disturbs the machine
times     its time over that of this element in int16 on the same frame (RGB or
          I420), of blocks over that of these in f32, median of the rounds'
          ratios
blocks    all 12 of a ViT, from tokens to the last one's output; the multiply-adds
          of their products are counted
error     relative L2, against float64; the element's on 320x192 of the same
          picture, the peers' on the whole frame
bare      RGB bytes in, mean and std folded into the weights, positions added
converted I420 in, videoconvert, then the bare peer; the error is against I420
          taken to RGB in real numbers, each chroma sample for its block
product   the fastest of several arrangements as one matrix product"""


def gst(*elements):
    subprocess.run(
        ["gst-launch-1.0", "-q"] + " ! ".join(elements).split(), check=True)


class Frames:
    """The clip's first frame at any size, and the files made from it."""

    def __init__(self, clip, folder, bench):
        self.clip, self.folder, self.bench = clip, folder, bench
        self.source = ("filesrc location=" + os.path.abspath(clip),
                       "matroskademux", "vp8dec")

    def path(self, name):
        return os.path.join(self.folder, name)

    def i420(self, width, height):
        path = self.path(f"{width}x{height}.i420")
        if not os.path.exists(path):
            gst(*self.source, "identity eos-after=2", "videoscale",
                "videoconvert",
                f"video/x-raw,format=I420,width={width},height={height},"
                "pixel-aspect-ratio=1/1,colorimetry=bt709",
                f"filesink location={path}")
            os.truncate(path, width * height * 3 // 2)
        return path

    def rgb(self, width, height):
        path = self.path(f"{width}x{height}.rgb")
        if not os.path.exists(path):
            gst("filesrc location=" + self.i420(width, height),
                f"rawvideoparse format=i420 width={width} height={height} "
                "colorimetry=bt709", "videoconvert",
                "video/x-raw,format=RGB,colorimetry=sRGB",
                f"filesink location={path}")
        return path

    def noise(self, width, height):
        path = self.path(f"noise-{width}x{height}.i420")
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(random.Random(1).randbytes(width * height * 3 // 2))
        return path

    def file(self, kind, width, height):
        return {"RGB": self.rgb, "I420": self.i420,
                "noise": self.noise}[kind](width, height)

    def clip_video(self):
        path = self.path("clip.i420")
        gst(*self.source, "videoconvert",
            "video/x-raw,format=I420,colorimetry=bt709",
            f"filesink location={path}")
        return 640, 480, path

    def made_video(self, kind, n_frames, width=1920, height=1080):
        path = self.path(f"{kind}.i420")
        self.bench.ask("video", kind, width, height, self.i420(width, height),
                       n_frames, path)
        return width, height, path

    def surveillance(self, n_frames):
        """A fixed camera's picture, through an encoder."""
        width, height, raw = self.made_video("scene", n_frames)
        path = self.path("surveillance.i420")
        gst(f"filesrc location={raw}",
            f"rawvideoparse format=i420 width={width} height={height} "
            "framerate=25/1 colorimetry=bt709",
            "vp8enc deadline=1 cpu-used=8 threads=2 target-bitrate=3000000",
            "vp8dec", "videoconvert", "video/x-raw,format=I420",
            f"filesink location={path}")
        os.remove(raw)
        return width, height, path


def write_model(path, embed_dim):
    """Normal numbers in a Vision Transformer's tensors, patch size 16, a table
    of 37 x 37."""
    source = random.Random(embed_dim)
    tensors = {"cls_token": [1, 1, embed_dim],
               "pos_embed": [1, 1 + 37 * 37, embed_dim],
               "patch_embed.proj.weight": [embed_dim, 3, 16, 16],
               "patch_embed.proj.bias": [embed_dim]}
    header, data = [], bytearray()
    for name, shape in tensors.items():
        n = 1
        for length in shape:
            n *= length
        values = struct.pack(f"<{n}f", *(source.gauss(0, 0.02)
                                         for _ in range(n)))
        header.append('"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}'
                      % (name, str(shape).replace(" ", ""), len(data),
                         len(data) + len(values)))
        data += values
    text = ("{" + ",".join(header) + "}").encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Table:
    def __init__(self, bench, frames, peers_python):
        self.bench, self.frames, self.python = bench, frames, peers_python
        self.peers, self.errors, self.models = {}, {}, {}
        self.tiles = bench.ask("instruction", "int8")[0] != "-"

    def model(self, embed_dim):
        if embed_dim not in self.models:
            path = self.frames.path(f"model-{embed_dim}.safetensors")
            write_model(path, embed_dim)
            self.models[embed_dim] = path
        return self.models[embed_dim]

    def peers_on(self, n_threads):
        if self.python and n_threads not in self.peers:
            n = str(n_threads)
            # As much memory as it likes without returning it between frames.
            self.peers[n_threads] = Program(
                [self.python, os.path.join(HERE, "peers.py"), n],
                {"OMP_NUM_THREADS": n, "MKL_NUM_THREADS": n,
                 "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
                 "MALLOC_TRIM_THRESHOLD_": str(1 << 31)})
        return self.peers.get(n_threads)

    def peak(self, kind, n_threads):
        if kind == "f32":
            return float(self.bench.ask("peak", "f32", n_threads)[0])
        if self.tiles:
            return float(self.bench.ask("peak", "int8", n_threads)[0]) / 2
        return float(self.bench.ask("peak", "int16", n_threads)[0])

    def peer_take(self, peers, name, kind, n_threads):
        """Times a peer between two measurements of the machine's peak."""
        def take():
            before = self.peak(kind, n_threads)
            seconds = float(peers.ask("time", name)[0])
            return seconds, (before + self.peak(kind, n_threads)) / 2

        return take

    def own_row(self, name, kind, frame, products, command, error="-"):
        case, kernel = self.bench.ask(*command)

        def take():
            seconds, peak, unit = self.bench.ask("time", case)
            return float(seconds), float(peak) / (2 if unit == "int8" else 1)

        row = Row(name, kind, take, products, frame, error,
                  "" if kernel == "-" else kernel)
        row.case = case
        return row

    def element_error(self, frame, embed_dim, precision):
        key = frame, embed_dim, precision
        if key not in self.errors:
            self.errors[key] = "%.1e" % float(self.bench.ask(
                "error", "RGB" if frame == "RGB" else "I420", 320, 192,
                self.frames.file(frame, 320, 192), self.model(embed_dim),
                precision)[0])
        return self.errors[key]

    def own_rows(self, width, height, embed_dim, n_threads, kernel_alone):
        n_patches = (width // 16) * (height // 16)
        products = n_patches * 768 * embed_dim
        rows = []
        for kind in "f32", "int16":
            if kernel_alone:
                for frame, terms in ("RGB", 768), ("I420", 384):
                    rows.append(self.own_row(
                        "gst-vit kernel alone", kind, frame,
                        n_patches * terms * embed_dim,
                        ("kernel", kind, terms, n_patches, embed_dim,
                         n_threads)))
            frames = ["RGB", "I420"]
            if (width, height) == (1920, 1080):
                frames.append("noise")
            for frame in frames:
                rows.append(self.own_row(
                    "gst-vit element", kind, frame, products,
                    ("element", "RGB" if frame == "RGB" else "I420", width,
                     height, self.frames.file(frame, width, height),
                     self.model(embed_dim), kind, n_threads),
                    self.element_error(frame, embed_dim, kind)))
        return rows

    def peer_rows(self, width, height, embed_dim, n_threads, convert):
        peers = self.peers_on(n_threads)
        rows = []
        if peers is None:
            return rows
        names = peers.ask("load", width, height, self.model(embed_dim),
                          self.frames.rgb(width, height),
                          self.frames.i420(width, height))
        products = (width // 16) * (height // 16) * 768 * embed_dim
        for entry in names:
            name, bare, converted, note = entry.split("|")
            kind = name.rsplit("_", 1)[1]

            take = self.peer_take(peers, name, kind, n_threads)
            title = name.rsplit("_", 1)[0].replace("_", " ")
            bare_row = Row(title, kind, take, products, "RGB", bare, note)

            def sum_of_both(row=bare_row):
                return convert.seconds[-1] + row.seconds[-1], None

            rows.append(bare_row)
            rows.append(Row("videoconvert + " + title, kind, sum_of_both,
                            products, "I420", converted))
        return rows

    def group(self, width, height, embed_dim, n_threads, kernel_alone):
        print(f"\n{width} x {height}, embed_dim {embed_dim}, {n_threads} "
              f"thread{'s' * (n_threads > 1)}", flush=True)
        own = self.own_rows(width, height, embed_dim, n_threads, kernel_alone)
        convert = self.own_row("videoconvert alone", "-", "I420", 0,
                               ("convert", "I420", width, height,
                                self.frames.i420(width, height), n_threads))
        peers = self.peer_rows(width, height, embed_dim, n_threads, convert)
        rows = own + [convert] + peers
        for _ in range(ROUNDS):
            for row in rows:
                row.measure()
        reference = {row.frame: row for row in own
                     if row.kind == "int16" and row.name.endswith("element")}
        bare = [row for row in peers if not row.name.startswith("video")]
        converted = [row for row in peers if row.name.startswith("video")]
        for row in own + bare + [convert] + converted:
            row.print(reference.get(row.frame))
        for row in own + [convert]:
            self.bench.ask("drop", row.case)
        if (width, height, embed_dim) == (1920, 1080, 768):
            self.print_targets(own, bare, converted, reference)
        return {(row.name, row.kind, row.frame): row for row in own}

    @staticmethod
    def print_targets(own, bare, converted, reference):
        def ratio(a, b):
            return statistics.median(
                x / y for x, y in zip(a.seconds, b.seconds))

        def fastest(rows, kind):
            rows = [row for row in rows if row.kind == kind]
            return min(rows, key=lambda r: statistics.median(r.seconds),
                       default=None)

        f32 = next(row for row in own if row.name == "gst-vit element"
                   and row.kind == "f32" and row.frame == "RGB")
        print(f"  = int16 is {ratio(f32, reference['RGB']):.2f} times as fast "
              "as f32 (RGB)")
        for what, rows, frame in (("bare", bare, "RGB"),
                                  ("converted", converted, "I420")):
            for kind in "f32", "bf16":
                row = fastest(rows, kind)
                if row:
                    print(f"  = int16 is {ratio(row, reference[frame]):.2f} "
                          f"times as fast as the fastest {kind} peer, {what} "
                          f"({row.name})")

    def positions(self):
        print(f"\nposition table, 37 x 37 -> {POSITIONS[0]} x {POSITIONS[1]}, "
              "embed_dim 768")
        frame = self.own_row("one 1920 x 1080 frame, for comparison", "int16",
                             "RGB", 0, ("element", "RGB", 1920, 1080,
                                        self.frames.rgb(1920, 1080),
                                        self.model(768), "int16", 1))
        rows = [frame]
        for rule, peer in ("size", "bicubic"), ("size-antialias", "antialias"):
            own = self.own_row("gst-vit, " + rule, "f64", "", 0,
                               ("positions", self.model(768), rule,
                                *POSITIONS))
            rows.append(own)
            for n_threads in (1, 2) if self.python else ():
                peers = self.peers_on(n_threads)
                if peers.ask("positions", self.model(768), *POSITIONS)[0] != "ok":
                    continue

                def take(peers=peers, peer=peer):
                    return float(peers.ask("time", peer)[0]), None

                rows.append(Row(f"torch interpolate, {peer}, {n_threads} thr.",
                                "f32", take, 0, ""))
        for _ in range(ROUNDS):
            for row in rows:
                row.measure()
        reference = None
        for row in rows:
            if row.name.startswith("gst-vit"):
                reference = row
            row.print(reference)
        for row in rows:
            if hasattr(row, "case"):
                self.bench.ask("drop", row.case)

    def start(self):
        """All rows are of 1920 x 1080 but one, of which every other frame is."""
        size = 1920, 1080, self.frames.rgb(1920, 1080)
        other = 1280, 720, self.frames.rgb(1280, 720)
        print("\nthe start of an element to its first frame's end, and a change "
              "of size, RGB, int16")
        frames = [self.own_row(f"a frame, {w} x {h}", "int16", "RGB", 0,
                               ("element", "RGB", w, h, path, self.model(768),
                                "int16", 1)) for w, h, path in (size, other)]
        starts = [self.own_row(f"start, embed_dim {dim}", "int16", "RGB", 0,
                               ("start", "RGB", *size, self.model(dim),
                                "int16", 1)) for dim in (384, 768, 1024)]
        change = self.own_row("1280 x 720 to 1920 x 1080 or back", "int16",
                              "RGB", 0, ("resize", "RGB", *size,
                                         self.model(768), "int16", 1, *other))
        # A run of each way is one measurement.
        once = change.take
        change.take = lambda: tuple((a + b) / 2 for a, b
                                    in zip(once(), once()))
        rows = frames + starts + [change]
        for _ in range(ROUNDS):
            for row in rows:
                row.measure()
        for row in rows:
            row.print(frames[0])
            self.bench.ask("drop", row.case)

    def reuse(self, n_frames):
        print("\nreuse, I420, embed_dim 768, int16:       threads  ms with "
              "  ms without  with/without  tokens kept")
        videos = [("a still, 1920 x 1080",
                   self.frames.made_video("still", n_frames)),
                  ("surveillance-like, re-encoded, 1080p",
                   self.frames.surveillance(n_frames)),
                  ("moving, every patch changes, 1080p",
                   self.frames.made_video("pan", n_frames)),
                  ("the clip, 640 x 480", self.frames.clip_video())]
        for name, (width, height, path) in videos:
            for n_threads in 1, 2:
                on, off, ratio, kept = map(float, self.bench.ask(
                    "reuse", "I420", width, height, path, self.model(768),
                    "int16", n_threads))
                print(f"  {name:<40} {n_threads:<5}{on * 1e3:9.2f} "
                      f"{off * 1e3:12.2f} {ratio:13.3f} {kept:10.1%}",
                      flush=True)
            os.remove(path)


def groups(args):
    """Width, height, embed_dim, threads, kernel alone too."""
    sizes = (224, 224), (640, 480), (1280, 720), (1920, 1080), (3840, 2160)
    if args.encoder:
        return []
    if args.full:
        return [(w, h, dim, n, True) for w, h in sizes
                for dim in (384, 768, 1024) for n in (1, 2)]
    main = [(1920, 1080, 768, n, True) for n in (1, 2)]
    if args.quick:
        return main
    return (main + [(640, 480, 768, n, True) for n in (1, 2)]
            + [(w, h, 768, 1, True) for w, h in (sizes[0], sizes[2], sizes[4])]
            + [(1920, 1080, dim, 1, True) for dim in (384, 1024)])


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("model name", "CPU part")):
                return line.split(":")[1].strip()
    return "unknown"


def print_machine(bench):
    print(f"processor: {processor()}, {os.cpu_count()} of it seen, load "
          f"{os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}")
    for kind in "f32", "int16", "int8":
        name = " ".join(bench.ask("instruction", kind))
        if name != "-":
            rates = {n: sorted(float(bench.ask("peak", kind, n)[0]) / 1e9
                               for _ in range(9)) for n in (1, 2)}
            print(f"peak, {kind:<5} ({name}): " + "; ".join(
                f"{n} thread{'s' * (n > 1)} {r[4]:.0f} GMAC/s "
                f"({r[0]:.0f} to {r[-1]:.0f})" for n, r in rates.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("clip")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--encoder", action="store_true")
    args = parser.parse_args()
    python = os.environ.get("VIT_BENCH_PYTHON")
    bench = Program([args.bench])
    print_machine(bench)
    with tempfile.TemporaryDirectory(prefix="vit-bench-") as folder:
        table = Table(bench, Frames(args.clip, folder, bench), python)
        if python:
            print("peers: " + " ".join(table.peers_on(1).ask("versions")))
        else:
            print("peers: left out; VIT_BENCH_PYTHON names no Python")
        print("\n" + LEGEND.format(rounds=ROUNDS))
        if not args.encoder:
            print_head("frame")
        done = {}
        for group in groups(args):
            done[group[:4]] = table.group(*group)
            one = done.get(group[:3] + (1,))
            if group[3] == 2 and one:
                print("  = two threads against one: " + ", ".join(
                    f"{key[1]} {key[2]} %.2f" % (
                        statistics.median(one[key].seconds)
                        / statistics.median(row.seconds))
                    for key, row in done[group[:4]].items()
                    if key[0].endswith("element")))
        encoder_groups(table, args.quick)
        if not args.encoder:
            table.positions()
            table.start()
            table.reuse(24 if args.quick else 40)
        for peers in table.peers.values():
            peers.close()
    bench.close()


if __name__ == "__main__":
    main()
