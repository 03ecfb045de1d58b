#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of examples/README.md that reads a .safetensors file of tokens finds
the grid, and each patch in its place.

    reading_example.py PROGRAM FOLDER

Writes the tokens of one frame into FOLDER, in both formats of files.  Takes numpy,
safetensors and gst-launch-1.0."""
import pathlib
import runpy
import subprocess
import sys

import numpy

COLUMNS, ROWS, EMBED_DIM = 10, 6, 48


def write_tokens(path, caps):
    line = (f"videotestsrc num-buffers=1 ! video/x-raw,width={16 * COLUMNS},height={16 * ROWS}"
            f" ! vitpatchembed embed-dim={EMBED_DIM} ! vittokenenc ! {caps}"
            f" ! filesink location={path}")
    subprocess.run(["gst-launch-1.0", *line.split()], check=True, stdout=subprocess.DEVNULL)
    return path


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    array = numpy.load(write_tokens(folder / "reading.npy", "application/x-npy"))
    sys.argv = [program, str(write_tokens(folder / "reading.safetensors",
                                          "application/x-safetensors"))]
    found = runpy.run_path(program)
    patches, fields = found["patches"], found["fields"]
    assert patches.shape == (ROWS, COLUMNS, EMBED_DIM), patches.shape
    assert numpy.array_equal(found["tokens"], array)
    first = len(array) - ROWS * COLUMNS
    for row in range(ROWS):
        for column in range(COLUMNS):
            assert numpy.array_equal(patches[row, column], array[first + row * COLUMNS + column])
    assert fields["frame_width"] == str(16 * COLUMNS) and fields["pts"] == "0", fields


if __name__ == "__main__":
    sys.exit(main())
