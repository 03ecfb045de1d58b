#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of examples/README.md that runs an exported encoder gives the features
that the model's own package computed in float64 of the same picture.

    encoder_example.py PROGRAM FOLDER

FOLDER is a copy of the project's.  The model is one with rotary positions.  Takes
onnx, safetensors and what the program takes."""
import os
import pathlib
import runpy
import subprocess
import sys

import numpy

# As far as fixed-point tokens may be off, and what the blocks make of that.
MAX_ERROR = 1e-4


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    golden = pathlib.Path(__file__).resolve().parents[1] / "golden"
    model, encoder = golden / "features" / "hf-dinov3-gated", folder / "encoder.onnx"
    subprocess.run([sys.executable, folder / "examples" / "export_onnx.py", model, encoder],
                   check=True)
    subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={golden}/frames/224x224.rgb",
                    "!", "rawvideoparse", "format=rgb", "width=224", "height=224", "!",
                    "pngenc", "!", "filesink", f"location={folder}/encoder.png"], check=True)

    sys.argv = [program, os.fspath(encoder), os.fspath(model),
                (folder / "encoder.png").as_uri()]
    found = runpy.run_path(program)["features"]
    expected = numpy.load(model / "224x224.features.npy")
    assert found.shape == expected.shape, found.shape
    error = numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected)
    print(f"relative L2 {error:.2g}")
    assert error <= MAX_ERROR, error


if __name__ == "__main__":
    main()
