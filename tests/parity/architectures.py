#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every architecture of timm whose name the element knows, made small.

    architectures.py BUILD_FOLDER [NAME...]

Each is built one block deep with random weights and saved by timm; its tokens
are those of vitpatchembed, or vitpatchembed refuses it by its name.  Its
features, embedding and logits in float64 are those of the encoder, or the
encoder refuses it with one of a few reasons.  Prints what is wrong or refused;
the exit status is 1 where anything is wrong.
"""
import functools
import shutil
import sys
import tempfile
from pathlib import Path

import parity

import torch

import encoder
import families
import families_timm

MODULES = ["vision_transformer", "eva", "deit", "beit", "naflexvit",
           "vision_transformer_hybrid", "vision_transformer_relpos",
           "vision_transformer_sam"]
SIZES = [dict(embed_dim=96, num_heads=3), dict(embed_dim=96, num_heads=2),
         dict(embed_dim=128, num_heads=2), dict(embed_dim=128, num_heads=4),
         {}]
# Of Sapiens 2 every block has its own number of heads for keys; its base model
# as many as for queries.
FORMS = [dict(dynamic_img_size=True),
         dict(dynamic_img_size=True, num_kv_heads=[3]), {}]
# What a refusal may say: each names the kind, none a missing tensor.
KINDS = ("is no plain ViT", "positions are relative only")
ENCODER_KINDS = ("its attention", "its norms come after", "its rotary positions",
                 "its patches come from", "no table of its defaults",
                 "its heads share keys")


def make(timm, name):
    """(model, what it was made with)"""
    for size in SIZES:
        for form in FORMS:
            values = dict(depth=1, num_classes=5, **size, **form)
            try:
                return timm.create_model(name, **values), values
            except Exception as error:  # whatever an architecture may raise
                reason = error
    raise reason


def frame_sizes(model, values):
    """Its own, as far as whole patches go, and one that is not square."""
    embed = getattr(model, "patch_embed", None)
    height, width = (getattr(embed, "img_size", None)
                     or model.pretrained_cfg["input_size"][1:])
    patch = embed.patch_size[0] if embed else 16
    own = width // patch * patch, height // patch * patch
    if values.get("dynamic_img_size"):
        return [own, (12 * patch, 7 * patch)]
    return [(width, height)]


class Refused(Exception):
    """By one of those that should."""


def family_of(name, config):
    return families.Family(
        name, None, None,
        lambda model, size: (model, families.find_block(model)),
        lambda model, frame: model.forward_features(frame),
        families_timm.outputs, (list(config["mean"]), list(config["std"])),
        None)


def compare_tokens(element, folder, family, model, size):
    frame = parity.make_frame(*size)
    found, rule, error = element.run(folder, frame)
    if error and any(kind in error for kind in KINDS):
        raise Refused(error)
    if error:
        raise RuntimeError(error)
    expected = families.tokens_of(
        family, model, size, parity.normalise(frame, family.normalisation))
    if found.shape != expected.shape:
        raise RuntimeError(f"{found.shape}, expected {expected.shape}")
    error = parity.worst_error(found, expected)
    if not error <= parity.MAX_ERROR:
        raise RuntimeError(f"{rule} {error:.1e}")


def compare_features(element, encodes, folder, family, model, size):
    pixels = parity.normalise(parity.make_frame(*size), family.normalisation,
                              torch.float64)
    found, error = encodes.run(folder, element.tokens_path,
                               size[1] // element.patch_size,
                               size[0] // element.patch_size)
    if error and any(kind in error for kind in ENCODER_KINDS):
        raise Refused(error)
    if error:
        raise RuntimeError(error)
    worst = encoder.Worst()
    worst.add(found, families.outputs_of(family, model, size, pixels))
    if not worst.is_right():
        raise RuntimeError(f"features, embedding, logits: {worst.cells()}")


def judge(timm, element, encodes, folder, name):
    """(what is so, and of what is not the same why)"""
    said = "refused"
    try:
        model, values = make(timm, name)
        families.randomise(model)
        timm.models.save_for_hf(model, folder, model_args=values,
                                safe_serialization=True)
        family = family_of(name, model.pretrained_cfg)
        for size in frame_sizes(model, values):
            said = "refused"
            compare_tokens(element, folder, family, model, size)
            said = "same tokens, no encoder"
            compare_features(element, encodes, folder, family, model, size)
    except Refused as refused:
        return said, str(refused)
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"
    return "same", ""


def judge_all(timm, names, kinds, scratch, judge):
    """Counts what judge(a folder, name) says of every architecture, or of those whose
    names hold one of `names`: (one of `kinds`, why it is not the same).  Prints what is
    not the same; returns the exit status."""
    counts = dict.fromkeys(kinds, 0)
    for name in [name for module in MODULES
                 for name in timm.list_models(module=module)]:
        if names and not any(n in name for n in names):
            continue
        folder = Path(scratch) / name
        folder.mkdir()
        kind, why = judge(folder, name)
        shutil.rmtree(folder)
        counts[kind] += 1
        if why:
            print(f"{kind}: {name}: {why.replace(scratch, '')}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts["wrong"] else 0


def main(build, *names):
    timm = parity.import_packages().get("timm")
    if not timm:
        print("skipped: timm is not installed")
        return 77
    kinds = "same", "same tokens, no encoder", "refused", "wrong"
    with tempfile.TemporaryDirectory() as scratch:
        element = parity.Element(build, Path(scratch))
        encodes = encoder.Encoder(build, Path(scratch))
        return judge_all(timm, names, kinds, scratch,
                         functools.partial(judge, timm, element, encodes))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
