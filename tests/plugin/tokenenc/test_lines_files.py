#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of JSON lines that vittokenenc and filesink write, read by Python: numbers
come back bit for bit, the file can be read while it grows, and a killed pipeline
leaves whole lines, all but the last.  TAP on standard output.

    test_lines_files.py SOURCE_ROOT"""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

try:
    import numpy
except ImportError:
    numpy = None

MODEL = "tests/golden/features/hf-vit-classifier"
N_KILLS = 12


def start(line):
    return subprocess.Popen(["gst-launch-1.0", "-q", *line.split()],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def run(line):
    assert start(line).wait(timeout=100) == 0, line


def whole_rows(path):
    """([row], what stands behind the last newline); every line parses."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    rows = [json.loads(line) for line in lines[:-1]]
    assert [row["frame"] for row in rows] == list(range(len(rows)))
    return rows, lines[-1]


def both(folder, branch, encode="vittokenenc"):
    """The rows, and the arrays of the .npy files of the same frames."""
    run(f"videotestsrc num-buffers=3 pattern=ball ! video/x-raw,width=80,height=64 ! {branch}"
        f" ! tee name=t ! queue ! {encode} ! application/x-ndjson"
        f" ! filesink location={folder}/rows.jsonl t. ! queue ! {encode}"
        f" ! application/x-npy ! multifilesink location={folder}/%d.npy")
    rows, rest = whole_rows(os.path.join(folder, "rows.jsonl"))
    assert len(rows) == 3 and rest == b"", (len(rows), rest)
    return rows, [numpy.load(os.path.join(folder, f"{i}.npy")) for i in range(3)]


def test_tokens(source, folder):
    for name, dtype in (("f32", "float32"), ("f16", "float16"), ("bf16", "bfloat16")):
        rows, arrays = both(folder, f"vitpatchembed embed-dim=24 token-format={name}")
        for row, array in zip(rows, arrays):
            values = base64.b64decode(row["tokens"], validate=True)
            assert row["dtype"] == dtype and tuple(row["shape"]) == array.shape
            assert values == array.tobytes()
            if name != "bf16":
                values = numpy.frombuffer(values, row["dtype"]).reshape(row["shape"])
                assert numpy.array_equal(values, array)


def test_vectors(source, folder):
    for name in ("embedding", "logits"):
        rows, arrays = both(
            folder, f"vitpatchembed model={source}/{MODEL} ! vitencoder top=2",
            f"vittokenenc content={name}")
        for i, (row, array) in enumerate(zip(rows, arrays)):
            assert numpy.array(row[name], numpy.float32).tobytes() == array.tobytes()
            assert len(row["labels"]) == 2 and row["dim"] == len(array)
            assert row["stream_time"] == row["pts"] == i * 10**9 // 30, row["pts"]


def test_grows(source, folder):
    """A live source of 20 frames a second; each read finds more whole lines."""
    path = os.path.join(folder, "live.jsonl")
    pipeline = start("videotestsrc is-live=true num-buffers=40 ! video/x-raw,width=64,height=64,"
                     "framerate=20/1 ! vitpatchembed embed-dim=8 ! vittokenenc"
                     f" ! application/x-ndjson ! filesink location={path} buffer-mode=unbuffered")
    counts = []
    while pipeline.poll() is None:
        if os.path.exists(path):
            counts.append(len(whole_rows(path)[0]))
        time.sleep(0.05)
    assert pipeline.returncode == 0
    assert len(whole_rows(path)[0]) == 40
    assert counts == sorted(counts) and len(set(counts) - {0, 40}) >= 5, counts


def kill(folder, size, embed_dim, mode):
    path = os.path.join(folder, "killed.jsonl")
    if os.path.exists(path):
        os.unlink(path)
    pipeline = start(f"videotestsrc ! video/x-raw,width={size},height={size}"
                     f" ! vitpatchembed embed-dim={embed_dim} ! vittokenenc"
                     f" ! application/x-ndjson ! filesink location={path} buffer-mode={mode}")
    try:
        while not os.path.exists(path) or os.path.getsize(path) == 0:
            assert pipeline.poll() is None, "it ended"
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.1))
    finally:
        pipeline.kill()
        pipeline.wait()
    rows, rest = whole_rows(path)
    # What was cut was a line.
    assert not rest or b'{"pts":'.startswith(rest[:7]), rest[:100]
    return len(rows), bool(rest)


def test_killed(source, folder):
    """Of lines of 1 MB, which a write takes many pages for, and of short ones."""
    for size, embed_dim, mode in ((256, 768, "unbuffered"), (64, 8, "unbuffered"),
                                  (64, 8, "default")):
        found = [kill(folder, size, embed_dim, mode) for _ in range(N_KILLS)]
        n_rows, n_cut = (sum(column) for column in zip(*found))
        print(f"# {size} x {size}, {mode}: {n_rows} whole lines, {n_cut} of {N_KILLS} cut")
        assert n_rows > N_KILLS, n_rows


def main():
    source = os.path.abspath(sys.argv[1])
    tests = {"tokens come back bit for bit": test_tokens,
             "vectors come back bit for bit": test_vectors,
             "a file that grows has whole lines": test_grows,
             "a killed pipeline leaves whole lines": test_killed}
    print(f"1..{len(tests)}")
    failed = False
    for n, (name, test) in enumerate(tests.items(), 1):
        if numpy is None and "bit for bit" in name:
            print(f"ok {n} - {name} # SKIP no python3-numpy")
            continue
        with tempfile.TemporaryDirectory(prefix="lines-") as folder:
            try:
                test(source, folder)
                print(f"ok {n} - {name}", flush=True)
            except AssertionError as error:
                failed = True
                print("# " + repr(error))
                print(f"not ok {n} - {name}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
