#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What examples/archive costs beside a plain pipeline, and beside what PyTorch and OpenCV
do in the manner of DINOtool: frames a second, and milliseconds of a core a frame.

    archive.py [ROUNDS] [MAX_TOKENS]

Call it by `meson devenv -C BUILD -w $PWD PYTHON tests/bench/archive.py`, PYTHON of
examples/archive/environment.sh and BUILD a release.  VIT_BENCH_PYTHON is a Python with
torch, transformers, pillow and opencv-python-headless; without it the last is left out.

Two videos, the clip of examples/media so many times over, every frame, DINOv2-S.  Each
is timed with a short and a long archive in turn, and the difference is taken: what it
takes to start Ray, Python or a pipeline is not counted, it is told apart.  Where other
programs run, too, the processor's time alone says something."""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
CLIP = os.path.join(SOURCE, "examples/media/clip.webm")
MODEL = os.path.join(SOURCE, "examples/models/dinov2-small")
CLIP_FRAMES, VIDEOS = 120, 2
# The clip so many times over.
SHORT, LONG = 1, 3
# More than one spin while they wait for each other, where other programs run too.
TORCH_THREADS = os.environ.get("OMP_NUM_THREADS", "2")


def make_videos(folder, times):
    """The same packets again and again, not encoded anew."""
    os.makedirs(folder)
    first = os.path.join(folder, "0.webm")
    parts = " ".join(f"filesrc location={CLIP} ! matroskademux ! queue ! all." for _ in range(times))
    subprocess.run(["gst-launch-1.0", "-q", *f"concat name=all ! webmmux ! filesink location={first} {parts}".split()],
                   check=True)
    for i in range(1, VIDEOS):
        shutil.copy(first, os.path.join(folder, f"{i}.webm"))


def timed(*command, **more):
    """(seconds of a core, what it said on standard error)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, **more)
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr)


def plain(folder, out, max_tokens, threads):
    return sum(timed(
        "gst-launch-1.0", "-q", "uridecodebin", f"uri=file://{folder}/{name}", "!",
        "videoconvert", "!", "vitpatchembed", f"model={MODEL}", f"max-tokens={max_tokens}",
        f"n-threads={threads}", "!", "vitencoder", "features=false", f"n-threads={threads}",
        "!", "fakesink")[0] for name in sorted(os.listdir(folder)))


def indexed(folder, out, max_tokens, workers, cores):
    """Of a core: the workers' seconds, as they tell; Ray's own are of its start."""
    _, said = timed(
        sys.executable, os.path.join(SOURCE, "examples/archive/index.py"), folder,
        "--model", MODEL, "--out", out, "--every", "0", "--max-tokens", str(max_tokens),
        "--workers", str(workers), "--cores", str(cores))
    assert " 0 bad" in said, said
    return float(re.search(r"^([\d.]+) seconds of a core$", said, re.MULTILINE)[1])


def torch_like(folder, out, max_tokens, *more):
    own = dict(os.environ, OMP_NUM_THREADS=TORCH_THREADS, LD_LIBRARY_PATH="")
    return sum(timed(os.environ["VIT_BENCH_PYTHON"], os.path.join(HERE, "dinotool_like.py"),
                     os.path.join(folder, name), MODEL, str(max_tokens), *more, env=own)[0]
               for name in sorted(os.listdir(folder)))


WAYS = {
    "a plain pipeline, 2 threads": lambda *given: plain(*given, 2),
    "index.py, one worker of 2 cores": lambda *given: indexed(*given, 1, 2),
    "index.py, two workers of 1 core": lambda *given: indexed(*given, 2, 1),
}
PEERS = {
    "PyTorch and OpenCV, a seek a frame, as DINOtool 0.4 reads": torch_like,
    "PyTorch and OpenCV, frames in order": lambda *given: torch_like(*given, "--in-order"),
}


def difference(run, folder, max_tokens):
    """(seconds, seconds of a core) of a frame, and the seconds of the start."""
    took = []
    for times in (SHORT, LONG):
        start = time.monotonic()
        cores = run(os.path.join(folder, str(times)), tempfile.mkdtemp(dir=folder), max_tokens)
        took.append((time.monotonic() - start, cores))
    (short, short_cores), (long, long_cores) = took
    frames = CLIP_FRAMES * VIDEOS * (LONG - SHORT)
    frame = (long - short) / frames
    return frame, (long_cores - short_cores) / frames, short - frame * CLIP_FRAMES * VIDEOS * SHORT


def main():
    rounds, max_tokens = (int(value) for value in (sys.argv[1:] + ["3", "101"][len(sys.argv) - 1:]))
    ways = dict(WAYS, **PEERS) if os.environ.get("VIT_BENCH_PYTHON") else WAYS
    folder = tempfile.mkdtemp(prefix="bench-archive-", dir="/tmp")
    found = {way: [] for way in ways}
    try:
        for times in (SHORT, LONG):
            make_videos(os.path.join(folder, str(times)), times)
        for number in range(rounds):
            for way, run in ways.items():
                found[way].append(difference(run, folder, max_tokens))
                print(f"round {number}: {way}:", *("%.4f" % value for value in found[way][-1]),
                      flush=True)
    finally:
        shutil.rmtree(folder)
    print("| | frames/s | ms of a core a frame | beside the first | start, s |")
    print("|---|---|---|---|---|")
    base = None
    for way in ways:
        seconds, cores, start = (sorted(values)[rounds // 2] for values in zip(*found[way]))
        base = base or cores
        print(f"| {way} | {1 / seconds:.1f} | {1000 * cores:.1f} | {cores / base:.3f} | {start:.1f} |")


if __name__ == "__main__":
    main()
