#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the blocks of a Vision Transformer as ONNX, for any runtime, with the
tokens of vitpatchembed as their input.

    export_onnx.py MODEL OUT.onnx [--layers 3,6,9] [--embedding] [--logits] [--float16]

MODEL is what `vitencoder model=` takes: a folder with its config.json, or a
.safetensors file or index beside one.  It is read as it is: no PyTorch, no tracing.

The input is `tokens`, float32 [batch][n_tokens][embed_dim], as vitpatchembed
attaches them to a frame: prefix tokens, then the patches row by row, with their
positions.  batch and n_tokens are free, so one file serves frames of every size.  The
output `features` has the same shape: what the model's own package calls its
last_hidden_state or forward_features.  The weights go to OUT.onnx.data, which must
stay beside OUT.onnx.  OUT.onnx.modelinfo tells GStreamer's inference elements what is
what.

Models with rotary positions (DINOv3, EVA-02, Perception Encoder, RoPE-ViT) have two
inputs more, `cos` and `sin`, float32 [n_patches][head_dim], which depend on the grid
alone: --positions ROWSxCOLUMNS writes those of a grid to OUT.ROWSxCOLUMNS.npz, and
onnx_export/rotary.py makes them of OUT.onnx's metadata.
"""
import argparse
import os
import re
import sys

FLOAT16 = """\
Weights and products are float16, half the size. LayerNormalization and the sum that
runs through all blocks stay float32: a few channels of the sum grow far above the
rest, of the smallest DINOv2 to 50 times the median, and float16 has 11 bits. What a
block adds to such a number would be lost, and the squares that a norm sums up would
overflow at 65504. What comes after the last block stays float32, too."""


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("file", metavar="OUT.onnx")
    parser.add_argument("--layers", metavar="N,N...", default="",
                        help="outputs features_N, too: after block N, from 1, as "
                        "vitencoder's `layers` gives them")
    parser.add_argument("--embedding", action="store_true",
                        help="output `embedding`, too: the family's own vector of the frame")
    parser.add_argument("--logits", action="store_true",
                        help="output `logits`, too: the classifier's, or of timm's CLIP the "
                        "vector beside texts")
    parser.add_argument("--float16", action="store_true", help=FLOAT16)
    parser.add_argument("--positions", metavar="ROWSxCOLUMNS", action="append", default=[],
                        help="writes cos and sin of this grid of patches, too")
    given = parser.parse_args()
    if not re.fullmatch(r"(\d+(,\d+)*)?", given.layers):
        parser.error(f"--layers is {given.layers}; expected numbers, 3,6,9")
    given.layers = sorted({int(n) for n in given.layers.split(",") if n})
    for grid in given.positions:
        if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", grid):
            parser.error(f"--positions is {grid}; expected ROWSxCOLUMNS, 37x37")
    return given


def write_positions(path, grids, metadata):
    import numpy
    from onnx_export import rotary

    for grid in grids:
        rows, columns = map(int, grid.split("x"))
        made = rotary.positions(metadata, rows, columns)
        if not made:
            sys.exit(f"{path}: takes no rotary positions")
        name = f"{os.path.splitext(path)[0]}.{grid}.npz"
        numpy.savez(name, **made)
        print(f"{name}: cos and sin of {rows} x {columns} patches")


def main():
    given = read_arguments()
    try:
        from onnx_export import export
    except ImportError as error:
        sys.exit(f"{sys.executable}: {error}. It takes onnx, 1.15 or later, and safetensors.")
    try:
        said, metadata = export.export(
            given.model, given.file, layers=given.layers, embedding=given.embedding,
            logits=given.logits, half=given.float16)
    except (export.Refused, OSError) as error:
        sys.exit(str(error))
    print(said)
    write_positions(given.file, given.positions, metadata)


if __name__ == "__main__":
    main()
