#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/archive/index.py on Ray: on this machine and on a cluster of two nodes the
table is that of plain pipelines, also where a worker is killed, and where all is and the
command given again.  TAP on standard output.

    test_engine.py SOURCE_ROOT

GST_PLUGIN_PATH and the bindings' paths are set by who calls."""
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import numpy

SOURCE = os.path.abspath(sys.argv[1])
# Ray's sockets lie below it: a short name.
FOLDER = tempfile.mkdtemp(prefix="gva-", dir="/tmp")
# Every process that is started here has it, whoever starts it.
MARK = "GST_VIT_ARCHIVE_TEST=" + uuid.uuid4().hex
os.environ.update([MARK.split("=")], RAY_TMPDIR=FOLDER, HOME=FOLDER,
                  RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0",
                  GST_REGISTRY=os.path.join(FOLDER, "registry.bin"))
sys.path.insert(0, os.path.join(SOURCE, "examples/archive"))

import plain  # noqa: E402
import table  # noqa: E402
import tap  # noqa: E402
import videos  # noqa: E402
from gi.repository import Gst  # noqa: E402

MODEL = os.path.join(SOURCE, "tests/golden/features/hf-vit-classifier")
VIDEOS = os.path.join(FOLDER, "videos")
LOCAL, ON_CLUSTER, KILLED = (os.path.join(FOLDER, name) for name in ("local", "cluster", "killed"))
# Long enough to be killed in: more than 1000 tokens a frame, every frame.
BIG = [f"big {i}.webm" for i in range(2)]
BIG_FRAMES = 250
# Until something is taken for stuck.
MANY_SECONDS = 300


def index(out, archive, *more):
    return [sys.executable, os.path.join(SOURCE, "examples/archive/index.py"), archive,
            "--model", MODEL, "--out", out, "--what", "embedding,labels", "--top", "3",
            "--slice", f"{videos.SLICE_SECONDS}s", *more]


def run(*command):
    """What it said on standard error."""
    done = subprocess.run(command, text=True, stderr=subprocess.PIPE, timeout=MANY_SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stderr


def marked():
    """Processes of this test but itself."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        pid = int(path.split("/")[2])
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if MARK.encode() in file.read() and pid != os.getpid():
                found.append(pid)
    return found


def writers(out):
    """{pid: path}: who holds a file of rows open that is not whole."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            target = os.readlink(path)
            if target.startswith(out + "/") and target.endswith(table.PART):
                found[int(path.split("/")[2])] = target
    return found


def until(what, process):
    """What `what` gives as soon as it gives something; `process` still runs then."""
    end = time.monotonic() + MANY_SECONDS
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        assert process.poll() is None, "it ended before:\n" + process.stderr.read()
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def writer_of(out, name):
    """The pid of who writes the rows of a video now."""
    return next((pid for pid, path in writers(out).items()
                 if name in os.path.basename(path)), None)


def check_rows(out, path, time_between):
    want = plain.every(plain.all_rows(path, MODEL), time_between)
    got = table.open_file(table.frames_path(out, table.stem(path))).read().to_pylist()
    assert [row["frame"] for row in got] == [row["frame"] for row in want], path
    for row, right in zip(got, want):
        for name in ("pts", "stream_time", "width", "height", "labels", "model_id"):
            assert row[name] == right[name], f"{path}: {name}"
        assert numpy.array_equal(numpy.array(row["embedding"], numpy.float32),
                                 right["embedding"]), path


def check_no_parts(out):
    left = [name for _, _, names in os.walk(out) for name in names if table.PART in name]
    assert not left, left


def small_archive():
    """Without the big ones, in a list."""
    path = os.path.join(FOLDER, "small.txt")
    with open(path, "w", encoding="utf-8") as file:
        for place, _, names in os.walk(VIDEOS):
            file.writelines(os.path.join(place, name) + "\n" for name in sorted(names)
                            if name not in BIG)
    return path


def big_archive():
    path = os.path.join(FOLDER, "big.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(os.path.join(VIDEOS, name) + "\n" for name in BIG)
    return path


def check_local():
    said = run(*index(LOCAL, small_archive(), "--every", "500ms"))
    total = len(videos.GOOD) + len(videos.BAD)
    assert f"0 are there already, {total} to be done" in said, said
    assert re.search(rf"^{total} of {total}, {len(videos.BAD)} bad, \d+ rows, [\d.]+ frames a"
                     r" second, \d:\d\d:\d\d, left 0:00:00$", said, re.MULTILINE), said
    for name in videos.GOOD:
        check_rows(LOCAL, os.path.join(VIDEOS, name), Gst.SECOND // 2)
    errors = table.read_errors(LOCAL).to_pylist()
    assert {row["video"] for row in errors} == {
        os.path.join(VIDEOS, name) for name in videos.BAD}, errors
    for name, text in videos.BAD.items():
        assert any(text in row["message"] for row in errors if row["video"].endswith(name))
    check_no_parts(LOCAL)


def check_killed_whole():
    """All its processes, in the midst of the second video."""
    command = index(KILLED, big_archive(), "--every", "0", "--workers", "1")
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)
    until(lambda: table.files(KILLED), process)
    until(lambda: writers(KILLED), process)
    for pid in marked():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    whole, = table.files(KILLED)
    before = os.stat(whole).st_mtime_ns
    said = run(*command)
    assert "1 are there already, 1 to be done" in said, said
    assert len(table.files(KILLED)) == 2 and os.stat(whole).st_mtime_ns == before
    for name in BIG:
        check_rows(KILLED, os.path.join(VIDEOS, name), 0)
    check_no_parts(KILLED)


class Nodes:
    """A Ray cluster of two nodes of one core each, on this machine."""

    def __enter__(self):
        from ray.cluster_utils import Cluster

        options = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=options)
        self.cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        self.cluster.wait_for_nodes()
        return self.cluster.address

    def __exit__(self, *_):
        self.cluster.shutdown()


def check_cluster(address):
    said = run(*index(ON_CLUSTER, small_archive(), "--every", "500ms", "--address", address))
    assert "2 workers of 1 cores, 2 machines" in said, said
    for mine, other in zip(table.files(LOCAL), table.files(ON_CLUSTER), strict=True):
        assert os.path.basename(mine) == os.path.basename(other)
        assert table.open_file(mine).read().equals(table.open_file(other).read()), mine
    same = [[(row["video"], row["message"]) for row in table.read_errors(out).to_pylist()]
            for out in (LOCAL, ON_CLUSTER)]
    assert sorted(same[0]) == sorted(same[1]), same


def check_killed_worker(address):
    """By its pid, while it writes; and another command does not come in between."""
    out = os.path.join(FOLDER, "worker")
    command = index(out, big_archive(), "--every", "0", "--address", address)
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)
    until(lambda: writer_of(out, "big_"), process)
    second = subprocess.run(command, text=True, stderr=subprocess.PIPE, timeout=MANY_SECONDS)
    assert second.returncode == 1 and "another index.py" in second.stderr, second.stderr
    victim = until(lambda: writer_of(out, "big_"), process)
    os.kill(victim, signal.SIGKILL)
    said = process.communicate(timeout=MANY_SECONDS)[1]
    assert process.returncode == 0, said
    assert "2 of 2, 0 bad" in said, said
    assert len(table.files(out)) == len(BIG)
    for name in BIG:
        check_rows(out, os.path.join(VIDEOS, name), 0)
    check_no_parts(out)


def refused(*more):
    """What is said of a command that cannot be obeyed."""
    out = os.path.join(FOLDER, "refused")
    done = subprocess.run(index(out, VIDEOS, *more), text=True, stderr=subprocess.PIPE,
                          timeout=MANY_SECONDS)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def check_refused():
    for option in ("--workers", "--cores"):
        for number in ("0", "-1"):
            assert f"{option}: invalid" in refused(option, number)
    out = os.path.join(FOLDER, "nowhere-out")
    done = subprocess.run(index(out, os.path.join(FOLDER, "nowhere")), text=True,
                          stderr=subprocess.PIPE, timeout=MANY_SECONDS)
    assert done.returncode == 1 and done.stderr.endswith(
        "nowhere: it is not there, or cannot be read\n"), done.stderr
    assert not os.path.exists(out)
    assert "--cores 999: no machine has so many" in refused("--cores", "999")


def check_tries():
    """What takes its process with it is run so often and no more, and is named."""
    import engine
    import ray
    from archive import Piece

    @ray.remote
    def dies(_board, piece):
        with open(piece.arguments[0], "a", encoding="utf-8") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)

    path, kept = os.path.join(FOLDER, "tries"), engine.run
    engine.start(None, 1)
    try:
        engine.run, tasks, found = dies, engine.Tasks(1, 1), []
        tasks.add(Piece(("video", "a"), "dies", (path,), False))
        while tasks:
            found += tasks.wait(1)
    finally:
        engine.run = kept
        engine.stop()
    (key, (message, debug)), = found
    assert key == ("video", "a") and debug, found
    assert message == "its process died, 4 times: WorkerCrashedError", message
    assert os.path.getsize(path) == 4
    assert "OutOfMemoryError" in engine.said(ray.exceptions.OutOfMemoryError("so much"), 4)[0]


def check_no_process():
    end = time.monotonic() + 20
    while marked() and time.monotonic() < end:
        time.sleep(0.2)
    assert not marked(), marked()


def on_cluster():
    """Both on one: to make one takes long."""
    with Nodes() as address:
        check_cluster(address)
        check_killed_worker(address)


def make_videos():
    videos.make_archive(VIDEOS)
    first, *others = (os.path.join(VIDEOS, name) for name in BIG)
    videos.launch(f"videotestsrc pattern=ball num-buffers={BIG_FRAMES} ! video/x-raw,width=640,"
                  "height=480,framerate=25/1 ! vp8enc deadline=1 cpu-used=8 ! webmmux", first)
    for path in others:
        shutil.copy(first, path)


CHECKS = [
    ("on this machine the rows are a plain pipeline's, and errors are named", check_local),
    ("killed whole and started again, it goes on", check_killed_whole),
    ("on two nodes the table is the same; a worker that is killed costs nothing", on_cluster),
    ("what no machine can do is refused", check_refused),
    ("who dies each time is run four times", check_tries),
    ("no process is left", check_no_process),
]

if __name__ == "__main__":
    Gst.init(None)
    try:
        make_videos()
        good = tap.run(CHECKS)
    finally:
        for pid in marked():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(not good)
