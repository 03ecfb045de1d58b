#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every architecture of timm, made small as by architectures.py: what
examples/export_onnx.py writes of it gives the features, embedding and logits of
vitencoder, or both refuse it.

    onnx_architectures.py BUILD_FOLDER [NAME...]

Tokens are random, of a grid that is not square.  Takes timm and ONNX Runtime.  Prints
what is refused or wrong; the exit status is 1 where anything is wrong.
"""
import sys
import tempfile
from pathlib import Path

import parity

import numpy

import architectures
import encoder
import families

try:
    import onnx_runtimes
    from onnx_runtimes import Exported, Worst, export
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

GRID = 7, 12


def judge(timm, encodes, folder, name):
    """(what is so, and why)"""
    model, values = architectures.make(timm, name)
    families.randomise(model)
    timm.models.save_for_hf(model, folder, model_args=values, safe_serialization=True)
    refused = None
    try:
        tower, _ = export.make_plan(str(folder))
        shape = tower.n_prefix_tokens + GRID[0] * GRID[1], tower.embed_dim
        runtimes = {"ONNX Runtime": onnx_runtimes.OnnxRuntime}
        exported = Exported(folder, folder / "encoder.onnx", runtimes)
    except export.Refused as error:
        refused, shape = str(error), (1, 1)
    tokens = numpy.random.default_rng(1).normal(0.0, 0.1, shape).astype(numpy.float32)
    numpy.save(folder / "tokens.npy", tokens)
    expected, error = encodes.run(folder, folder / "tokens.npy", *GRID)
    if refused and error:
        return "refused", refused
    if refused or error:
        return "wrong", f"exported: {not refused}: {refused or error}"
    worst = Worst(runtimes)
    worst.add(exported.run(tokens[None], *GRID), expected)
    if sorted(expected) != sorted(exported.kinds) or not worst.is_right():
        return "wrong", f"{exported.kinds}, {sorted(expected)}, {worst.cells()}"
    return "same", ""


def main(build, *names):
    timm = parity.import_packages().get("timm")
    if not timm:
        print("skipped: timm is not installed")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        encodes = encoder.Encoder(build, Path(scratch))

        def attempt(folder, name):
            try:
                return judge(timm, encodes, folder, name)
            except Exception as error:  # whatever an architecture may raise
                return "wrong", f"{type(error).__name__}: {error}"

        return architectures.judge_all(
            timm, names, ("same", "refused", "wrong"), scratch, attempt)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
