#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of examples/README.md that makes features of tokens gives those
that the model itself gives of the same picture.

    features_example.py PROGRAM FOLDER

Writes a small DINOv2 of random weights and a picture into FOLDER.  Takes torch,
transformers and what the program takes."""
import os
import pathlib
import runpy
import struct
import sys
import zlib

import numpy
import torch
import transformers

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# As far as fixed-point tokens may be off, and what the blocks make of that.
MAX_ERROR = 1e-4


def write_png(path, picture):
    """picture: [height, width, 3], bytes."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", zlib.crc32(name + data))
    height, width, _ = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_model(folder):
    torch.manual_seed(1)
    # A table of 5 x 5, for frames of another grid.
    model = transformers.Dinov2Model(transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=70, patch_size=14)).eval()
    with torch.no_grad():
        for values in model.parameters():
            values.copy_(0.3 * torch.randn(values.shape))
    model.save_pretrained(folder)
    transformers.BitImageProcessor(image_mean=MEAN, image_std=STD).save_pretrained(folder)
    return model


def features_of(model, picture):
    mean, std = (torch.tensor(three)[:, None, None] for three in (MEAN, STD))
    pixels = torch.tensor(picture).permute(2, 0, 1).float() / 255
    with torch.no_grad():
        return model(((pixels - mean) / std)[None]).last_hidden_state[0]


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    model = make_model(folder / "features-model")
    picture = numpy.random.default_rng(1).integers(0, 256, (84, 112, 3), numpy.uint8)
    write_png(folder / "features.png", picture)

    sys.argv = [program, os.fspath(folder / "features-model"),
                (folder / "features.png").absolute().as_uri()]
    found = runpy.run_path(program)["features"]
    expected = features_of(model, picture)
    assert found.shape == expected.shape == (1 + 6 * 8, 32), found.shape
    error = ((found - expected).norm() / expected.norm()).item()
    print(f"relative L2 {error:.2g}")
    return error > MAX_ERROR


if __name__ == "__main__":
    sys.exit(main())
