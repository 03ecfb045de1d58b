#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of examples/README.md that reads lines of JSON finds the embedding of
every frame, and leaves out a line that was cut short.

    lines_example.py PROGRAM FOLDER

Writes the embeddings of some frames into FOLDER, in lines and in .npy files.  Takes
numpy and gst-launch-1.0."""
import pathlib
import runpy
import subprocess
import sys

import numpy

MODEL = pathlib.Path(__file__).resolve().parent.parent / "golden/features/hf-vit-classifier"
N_FRAMES = 3


def write_embeddings(folder):
    encode = "queue ! vittokenenc content=embedding"
    line = (f"videotestsrc num-buffers={N_FRAMES} pattern=ball ! video/x-raw,width=80,height=64"
            f" ! vitpatchembed model={MODEL} ! vitencoder ! tee name=t"
            f" ! {encode} ! application/x-ndjson ! filesink location={folder}/lines.jsonl"
            f" t. ! {encode} ! application/x-npy ! multifilesink location={folder}/lines-%d.npy")
    subprocess.run(["gst-launch-1.0", *line.split()], check=True, stdout=subprocess.DEVNULL)


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    write_embeddings(folder)
    lines = folder / "lines.jsonl"
    with open(lines, "a", encoding="ascii") as file:
        file.write('{"pts":1')
    sys.argv = [program, str(lines)]
    found = runpy.run_path(program)
    arrays = [numpy.load(folder / f"lines-{i}.npy") for i in range(N_FRAMES)]
    assert found["vectors"].dtype == numpy.float32
    assert numpy.array_equal(found["vectors"], arrays), found["vectors"].shape
    assert [row["frame"] for row in found["rows"]] == list(range(N_FRAMES))


if __name__ == "__main__":
    sys.exit(main())
