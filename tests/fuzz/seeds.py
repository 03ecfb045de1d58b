#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds: small inputs from which the fuzz targets begin.

    python3 tests/fuzz/seeds.py

They are made of the headers and configs of the golden checkpoints; what a
found crash left behind stands beside them under a name of its own.
"""
import json
import struct
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
MODELS = ["dinov2-p14", "hf-clip", "hf-dinov2-with-registers", "hf-siglip2-naflex",
          "openclip", "timm-naflex", "hf-aimv2", "timm-deit-distilled"]
# Whole models, of which an encoder can be made; of those with texts the classes.
ENCODERS = sorted(str(path.parent.relative_to(GOLDEN))
                  for path in GOLDEN.glob("features/*/*.safetensors"))
ENCODERS += ["zero-shot/hf-siglip", "zero-shot/openclip-sigmoid"]
CLASSES = sorted(GOLDEN.glob("zero-shot/*/classes.safetensors"))
MODEL_FILES = ["model.safetensors", "model.safetensors.index.json", "a.safetensors",
               "b.safetensors", "config.json", "preprocessor_config.json",
               "open_clip_config.json", "open_clip_model.safetensors"]
CONFIG_FILES = ["config.json", "preprocessor_config.json", "processor_config.json",
                "open_clip_config.json"]
FORMATS = 22


def write(target, name, data):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def record(names, name, text):
    return bytes([names.index(name)]) + struct.pack("<H", len(text)) + text


def header(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.dumps(json.loads(file.read(length)), separators=(",", ":")).encode()


def shrink(tensors):
    """The same tensors with small sizes in place of large ones."""
    end = 0
    small = {}
    for name, tensor in tensors.items():
        shape = tensor["shape"]
        count = 1
        for size in shape:
            count *= size
        size = 4 * count
        small[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return json.dumps(small, separators=(",", ":")).encode()


def models():
    for path in MODELS + ENCODERS:
        folder = GOLDEN / path
        model = path.replace("features/", "").replace("zero-shot/", "texts-")
        weights = next(p for p in sorted(folder.glob("*.safetensors"))
                       if p.name != "classes.safetensors")
        text = header(weights)
        is_whole = path in ENCODERS
        if not is_whole:
            write("safetensors", model, b"\0" + text)
        configs = [p for p in sorted(folder.glob("*.json")) if p.name in CONFIG_FILES]
        name = weights.name if weights.name in MODEL_FILES else "model.safetensors"
        whole = record(MODEL_FILES, name, text)
        for config in configs:
            content = json.dumps(json.loads(config.read_text()), separators=(",", ":")).encode()
            if len(content) > 2000:
                continue
            if not is_whole:
                write("config", f"{model}-{config.stem}",
                      bytes([0]) + record(CONFIG_FILES, config.name, content))
                write("json_text", f"{model}-{config.stem}", content)
            if config.name in MODEL_FILES:
                whole += record(MODEL_FILES, config.name, content)
        write("encoder" if is_whole else "model", model, whole)
        if is_whole:
            # Not all of a whole model's numbers are zero; 2: ones.
            write("encoder", model + "-ones", bytes([whole[0] | 2 << 3]) + whole[1:])


def classes():
    """The classes of every model with texts, for it and for the others; with names
    in the metadata, in a file beside it, and in none."""
    for path in CLASSES:
        tensors = json.loads(header(path))
        beside = path.with_suffix(".json")
        names = beside.read_bytes() if beside.exists() else b"[]"
        for model in range(4):
            text = json.dumps(tensors).encode()
            data = bytes([model | 4 | 2 << 3]) + struct.pack("<H", len(text)) + text + names
            write("classes", f"{path.parent.name}-{model}", data)
    for model, dim in ((0, 40), (1, 24), (2, 20)):
        matrix = {"dtype": "F32", "shape": [2, dim], "data_offsets": [0, 8 * dim]}
        for fill in range(8):
            said = {"names": json.dumps(["cat", "r\u00f6hre\n"]), "scale": "100.5", "bias": "-3e-1"}
            text = json.dumps({"__metadata__": said, "text_features": matrix}).encode()
            write("classes", f"metadata-{model}-{fill}",
                  bytes([model | fill << 3]) + struct.pack("<H", len(text)) + text)


def shards():
    tensors = json.loads(header(GOLDEN / "dinov2-p14" / "model.safetensors"))
    tensors.pop("__metadata__", None)
    names = list(tensors)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    index = {"metadata": {"total_size": 1}, "weight_map": {
        name: shard for shard, some in parts.items() for name in some}}
    text = json.dumps(index).encode()
    whole = record(MODEL_FILES, "model.safetensors.index.json", text)
    for shard, some in parts.items():
        whole += record(MODEL_FILES, shard, shrink({n: tensors[n] for n in some}))
    write("model", "shards", whole)
    write("json_text", "index", text)


def part(name, text, fill, given=0):
    """A record with the bits that fuzz_model.c reads beside the file's number."""
    return (bytes([MODEL_FILES.index(name) | fill << 3 | given << 6])
            + record(MODEL_FILES, name, text)[1:])


def fills():
    """Every content of tensors, and every way to give the model."""
    tensors = {"patch_embed.proj.weight": [2, 3, 4, 4], "patch_embed.proj.bias": [2],
               "cls_token": [1, 1, 2], "mask_token": [1, 2], "pos_embed": [1, 10, 2]}
    text = shrink({name: {"shape": shape} for name, shape in tensors.items()})
    for fill in range(8):
        write("model", f"fill-{fill}", part("model.safetensors", text, fill))
    index = json.dumps({"weight_map": dict.fromkeys(tensors, "a.safetensors")}).encode()
    write("model", "given-1", part("model.safetensors", text, 2, 1))
    write("model", "given-2", part("model.safetensors.index.json", index, 0, 2)
          + part("a.safetensors", text, 2))
    write("model", "given-3", part("open_clip_model.safetensors", text, 2, 3))


def small():
    write("safetensors", "empty", b"\0{}")
    write("safetensors", "types", b"\0" + json.dumps({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]},
        "b": {"dtype": "BF16", "shape": [], "data_offsets": [16, 18]},
        "c": {"dtype": "F4", "shape": [0, 3], "data_offsets": [18, 18]},
        "d": {"dtype": "F16", "shape": [1, 2, 1], "data_offsets": [18, 22]}}).encode())
    text = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    write("safetensors", "file", b"\1" + struct.pack("<Q", len(text)) + text + b"\0\0\xc0\x7f")
    write("json_text", "escapes", b'{"a\\u00e9\\ud83d\\ude00\\n":[1,-2.5e3,true,null,{"":[]}]}')
    for i in range(FORMATS):
        size = struct.pack("<II", 16 + 7 * i, 9 + 11 * i)
        for which in (0, 5):
            # Which metas; how much longer the buffer is; offset and stride of 4 planes.
            write("frame", f"{i}-{which}", bytes([i]) + size + bytes([which])
                  + struct.pack("<H", 0)
                  + struct.pack("<HH", i, 2 * i) * 4 + bytes([i % 2, i // 2 % 2]))


def tokens():
    """One meta of 2 x 1 tokens of 3 float32, with a model id and changed bits;
    in the second version also with a region, its type and two prefix tokens."""
    for known, model in ((0, b""), (1, b"vit")):
        for version, n_prefix in ((1, 0), (2, 0), (2, 2)):
            kinds = n_prefix > 0
            head = struct.pack("<IIIIIIIIIi", 0, n_prefix, 2, 1, 16, 3, 32, 16, 0, -1)
            head += struct.pack("<6d", 16, 0, 0, 0, 16, 0)
            head += struct.pack("<II", len(model) if model else 2**32 - 1, known + 2 * kinds)
            if version == 2:
                head += struct.pack("<IIIII", *((4, 3, 28, 13, 3) if kinds else (0, 0, 0, 0, 2**32 - 1)))
            rest = model + (b"cat\1\2" if kinds else b"") + (b"\3" if known else b"")
            name = f"meta-{known}" + ("" if version == 1 else f"-{version}-{n_prefix}")
            n_values = 3 * (2 + n_prefix)
            write("tokens_bytes", name, head + rest + struct.pack(f"<{n_values}f", *range(n_values)))


def attentions():
    """One meta of two heads over a class token and 2 x 1 patches, with all that can be
    said of it, and one with nothing."""
    for name, model, region, kind in (("full", b"vit", (4, 3, 28, 13), b"cat"),
                                      ("bare", b"", (0, 0, 0, 0), b"")):
        def size(text):
            return len(text) if text else 2**32 - 1

        # What stands for embed_dim is the heads, for n_blocks the block.
        head = struct.pack("<IIIIIIIIIi", 0, 1, 2, 1, 16, 2, 32, 16, 12, -1)
        head += struct.pack("<6d", 16, 0, 0, 0, 16, 0) + struct.pack("<II", size(model), 0)
        head += struct.pack("<IIIII", *region, size(kind))
        write("attention_bytes", name, head + model + kind + struct.pack("<6f", *6 * [1 / 3]))


def embeddings():
    """One meta of 3 float32 with all that can be said of it, and one with nothing."""
    values = struct.pack("<3f", *range(3))
    labels = struct.pack("<IfI", 2, 0.75, 2) + b"ox\0" + struct.pack("<IfI", 0, 0.125, 0) + b"\0"
    # Logits alone have labels.
    for name, kind, labels in (("full", 0, b""), ("labels", 1, labels)):
        head = struct.pack("<IIIIi4IIIII", kind, 3, 32, 16, -1, 4, 3, 28, 13, 1, 3, 3, len(labels))
        write("embedding_bytes", name, head + b"vitcat" + labels + values)
    head = struct.pack("<IIIIi4IIIII", 1, 3, 0, 0, -1, 0, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1, 0)
    write("embedding_bytes", "bare", head + values)


def overlay():
    """Every mode on every raw format of GStreamer, about a hundred, with and
    without a layout of its own."""
    for i in range(110):
        mode, kind, layout = i % 5, i % 3, i % 2
        # Format, size, frames; layout, length, metas; offset and stride of 4 planes.
        data = bytes([i]) + struct.pack("<II", 30 + i, 40 + i // 2) + bytes([0, layout])
        data += struct.pack("<hB", 0, 0) + struct.pack("<HH", 0, 0) * 4
        # Type, what else is said, prefix tokens, columns, rows, values.
        values = struct.pack("<24f", *range(24)) if kind == 0 else struct.pack(
            "<24H", *range(0x3c00, 0x3c18))
        data += bytes([kind, 2 * (i % 4 // 2), 0, 3, 2, 1]) + values + bytes([15])
        # Mode, opacity, legend, the patch compared with, positions.
        data += bytes([mode, 255, i % 2]) + struct.pack("<HHB", 0, 0, i % 2)
        # Foreground, smooth, two points.
        data += bytes([i // 5 % 4 | 8 * (i % 2)]) + struct.pack("<4h", 5, 5, 30, 20)
        write("overlay", f"{i}-{mode}", data)


def npy():
    """Every form that is read, and some that are not, of the right length."""
    headers = {"vector": ("<f4", "(6,)", 24), "vectors": ("<f8", "(2, 3)", 48),
               "big-endian": (">f4", "(6,)", 24), "objects": ("|O", "(6,)", 48),
               "large": ("<f4", "(4294967296, 4294967296)", 0), "none": ("<f4", "()", 4)}
    for name, (descr, shape, n_bytes) in headers.items():
        text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        write("npy", name, b"\0" + struct.pack("<H", n_bytes) + text)
        for version, length in ((1, "<H"), (2, "<I")):
            write("npy", f"{name}-{version}", b"\1\x93NUMPY" + bytes([version, 0])
                  + struct.pack(length, len(text)) + text + bytes(n_bytes))


def video_meta():
    """Every format of vitpatchembed and those of vittokenoverlay, with a layout
    of every kind, and one field of the meta after the other that lies."""
    for i in range(160):
        is_overlay, which, how = i >= 44, i % 9, (0, 1, 2, 3, 4, 8, 9, 11)[i % 8]
        data = bytes([is_overlay, i % 110])
        data += struct.pack("<II", 30 + i, 40 + i // 2) + bytes([i % 2])
        # How the element is set, patch size.
        data += bytes([i % 64]) + (b"" if is_overlay else bytes([2 + i % 14]))
        # Which metas there are and lie; how planes lie; length; bits of a stride.
        data += bytes([1 | (1 << which & 255), how]) + struct.pack("<hB", 0, 10)
        # What they say instead, and the regions.
        data += bytes([i % 4, 1, 2, 3, 3, 0, 7, 1, 1, 2, 0, 0, 0, 4]) * 4
        write("video_meta", f"{i}", data)


def token_metas():
    """Every element and encoding, and one field after the other that lies."""
    for i in range(162):
        lie = i // 9
        # Element, frames, metas; what lies; type, prefix, columns, rows, values.
        # Of vittokenenc also which content, of vitencoder which settings.
        data = bytes([i % 9 + 9 * (i // 9 % 5), i % 2, lie % 2])
        data += struct.pack("<H", 1 << lie & 0xffff)
        data += bytes([i % 3, i % 2, 3, 2, 1]) + struct.pack("<16f", *range(16))
        data += bytes([i % 4, 1, 2, 3, 0, 0, 5, 1]) * 6
        write("token_metas", f"{i}", data)
    # Nothing lies, of every type, with all settings of vitencoder.
    for i in range(15):
        data = bytes([8 + 9 * (i % 5), 2]) + 3 * (
            bytes([0, 0, 0, i % 3, 1, 7 + i, 3 * i, 1]) + struct.pack("<16f", *range(16))
            + bytes(8))
        write("token_metas", f"encoder-{i}", data)


def attention_metas():
    """One field after the other that lies, of one meta and of three; the last:
    nothing lies."""
    for i in range(34):
        lie = 1 << i % 17 & 0xffff
        data = bytes([i % 10, i % 3, 2 * (i // 17)])
        data += 3 * (struct.pack("<H", lie) + bytes([1, 0, 3, 2])
                     + struct.pack("<16f", *range(16)) + bytes([i % 4, 1, 2, 3]))
        write("attention_metas", f"{i}", data)


def json_lines():
    """One meta of every format and two, with texts, labels, times and a segment."""
    texts = [b"vit", b'"\\\n\t\x01', "k\u00e4fer \u2028\U0001f600".encode(), b"a\xff\xc3z", b"\xed\xa0\x80"]
    values = struct.pack("<8f", 0.1, -0.0, 1e-45, 3e38, float("nan"), float("inf"), 1 / 3, 2)
    for i, text in enumerate(texts):
        for which in (0, 1, 48, 112, 128):
            data = bytes([which]) + (b"\2" if which & 128 else b"")
            data += bytes(range(33)) if which & 32 else b""
            data += struct.pack("<QQ", 5, 7) if which & 16 else b""
            for meta in range(which % 4 + 1):
                # Tokens: one prefix token, 1 x n patches of one value.
                kind = 8 | 16 | 64 | 128 | (i + meta) % 3
                n_tokens = 1 + kind % 4 + 1
                data += bytes([kind, 1, 0, 0]) + bytes(n_tokens * (4, 2, 2)[kind % 3])
                data += (bytes([len(text)]) + text) * 2 + bytes([i, 5])
                # An embedding, and scores with three labels.
                data += bytes([0, 7]) + values
                data += bytes([1 | 3 << 2, 7]) + values + (bytes([len(text)]) + text) * 3
            write("json_lines", f"{i}-{which}", data)


models()
classes()
shards()
fills()
small()
tokens()
attentions()
embeddings()
overlay()
npy()
video_meta()
attention_metas()
token_metas()
json_lines()
