# SPDX-License-Identifier: MIT
"""Rotary positions of a grid of patches, as an encoder that export_onnx.py wrote
takes them: cos and sin, float32 [n_patches][head_dim], patches row by row.

With k = head_dim / 4 frequencies base^(-j / k), a patch at coordinates (y, x) turns
its pairs of channels by the angles of y and then of x, or of x and then of y:

    dinov3    c = 2 pi ((i + 1/2) / n * 2 - 1)   y, x
    eva       c = i / n * 16                     y, x
    pe        c = (i + offset) / n * reference   x, y
    rope-vit  c = i                              x, y

for patch i of n along the axis.  The export has put the channels of all of them
into one order, pairs (d, d + head_dim / 2), so this is all that differs.
"""
import numpy

# Whatever the grid a model was trained on.
EVA_REFERENCE = 16.0
KEY = "gst-vit.rotary-"


def describe(rope, head_dim):
    """The metadata of an exported file, from which positions() makes them."""
    return {KEY + "rule": rope.rule, KEY + "base": repr(rope.base),
            KEY + "reference": repr(rope.reference), KEY + "offset": str(int(rope.offset)),
            KEY + "head-dim": str(head_dim)}


def coordinates(metadata, n):
    rule, i = metadata[KEY + "rule"], numpy.arange(n, dtype=numpy.float64)
    if rule == "dinov3":
        return 2 * numpy.pi * ((i + 0.5) / n * 2 - 1)
    if rule == "eva":
        return i / n * EVA_REFERENCE
    if rule == "pe":
        offset = int(metadata[KEY + "offset"])
        return (i + offset) / n * float(metadata[KEY + "reference"])
    return i


def is_needed(metadata):
    return KEY + "rule" in metadata


def positions(metadata, rows, columns):
    """{"cos": ..., "sin": ...} of a grid, by the metadata of an exported file: of
    ONNX Runtime session.get_modelmeta().custom_metadata_map.  Nothing where the
    model takes none."""
    if not is_needed(metadata):
        return {}
    k = int(metadata[KEY + "head-dim"]) // 4
    frequencies = float(metadata[KEY + "base"]) ** (-numpy.arange(k) / k)
    y = numpy.repeat(coordinates(metadata, rows), columns)
    x = numpy.tile(coordinates(metadata, columns), rows)
    axes = (y, x) if metadata[KEY + "rule"] in ("dinov3", "eva") else (x, y)
    angles = numpy.concatenate([numpy.outer(axis, frequencies) for axis in axes], 1)
    angles = numpy.tile(angles, 2)
    return {"cos": numpy.cos(angles).astype(numpy.float32),
            "sin": numpy.sin(angles).astype(numpy.float32)}
