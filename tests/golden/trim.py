#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the small copy of golden data that lies here.

    trim.py SOURCE TARGET CASE CHANNELS SIZE...

SOURCE and TARGET hold one folder a case.  Of the embedding only the first
CHANNELS are kept (every token value depends on its own channel alone, so the
rest of a token does not matter; where a norm over all channels is part of the
input stage CHANNELS must be all of them), of the tokens those of frames of
SIZE, and the transformer blocks are left out.  Numbers are copied, never
computed.
"""
import json
import shutil
import struct
import sys
from pathlib import Path

import numpy


def cut(array, width, channels):
    """Every dimension that is the embedding's."""
    index = tuple(slice(channels) if n == width else slice(None)
                  for n in array.shape)
    return numpy.ascontiguousarray(array[index])


def trim_weights(source, target, width, channels):
    data = source.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    entries, body = {}, b""
    for name, entry in header.items():
        blocks = ("blocks.", "layer.", "layers.", "decoder_layers.", "neck.")
        if name == "__metadata__" or any(b in name for b in blocks):
            continue
        begin, end = (8 + length + o for o in entry["data_offsets"])
        array = numpy.frombuffer(data[begin:end], "<f4")
        array = cut(array.reshape(entry["shape"]), width, channels)
        raw = array.tobytes()
        entries[name] = {"dtype": "F32", "shape": list(array.shape),
                         "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + body)


def replace(value, width, channels):
    """hidden_size and its like, in a config."""
    keys = ("hidden_size", "num_features", "embed_dim", "width")
    for key, inner in value.items():
        if key in keys and inner == width:
            value[key] = channels
        elif isinstance(inner, dict):
            replace(inner, width, channels)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def main(source, target, name, channels, *sizes):
    source, target = Path(source, name), Path(target, name)
    channels = int(channels)
    target.mkdir(parents=True, exist_ok=True)
    case = json.loads((source / "case.json").read_text())
    width = case["embed_dim"]
    case["embed_dim"] = channels
    if case.get("pre_norm") and channels != width:
        sys.exit(f"{name}: its norm is over all {width} channels")
    case["trimmed"] = f"the first {channels} of {width} channels, no blocks"
    case["cases"] = [c for c in case["cases"]
                     if f"{c['width']}x{c['height']}" in sizes]
    for one in case["cases"]:
        one["shape"][1] = channels
        tokens = numpy.load(source / one["tokens"])
        numpy.save(target / one["tokens"],
                   numpy.ascontiguousarray(tokens[:, :channels]))
        frame = target / one["frame"]
        frame.parent.mkdir(exist_ok=True)
        shutil.copyfile(source / one["frame"], frame)
    write_json(target / "case.json", case)
    for weights in source.glob("*.safetensors"):
        trim_weights(weights, target / weights.name, width, channels)
    for config in ("config.json", "open_clip_config.json"):
        if (source / config).exists():
            value = json.loads((source / config).read_text())
            replace(value, width, channels)
            write_json(target / config, value)
    processor = source / "preprocessor_config.json"
    if processor.exists():
        shutil.copyfile(processor, target / processor.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
