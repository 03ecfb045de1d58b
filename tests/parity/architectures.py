#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every architecture of timm whose name the element knows, made small.

    architectures.py BUILD_FOLDER [NAME...]

Each is built one block deep with random weights and saved by timm; its tokens
are those of vitpatchembed, or vitpatchembed refuses it by its name.  Weights
of the input stage are small, so that the epsilon of a norm shows.  Prints what
is wrong or refused; the exit status is 1 where anything is wrong.
"""
import shutil
import sys
import tempfile
from pathlib import Path

import parity

import torch

import families

MODULES = ["vision_transformer", "eva", "deit", "beit", "naflexvit",
           "vision_transformer_hybrid", "vision_transformer_relpos",
           "vision_transformer_sam"]
SIZES = [dict(embed_dim=96, num_heads=3), dict(embed_dim=96, num_heads=2),
         dict(embed_dim=128, num_heads=2), dict(embed_dim=128, num_heads=4),
         {}]
# Of Sapiens 2 every block has its own number of heads for keys.
FORMS = [dict(dynamic_img_size=True),
         dict(dynamic_img_size=True, num_kv_heads=[1]), {}]
SMALL = ("pos_embed", "cls_token", "reg_token", "dist_token", "patch_embed",
         "embeds.")
# What a refusal may say: each names the kind, none a missing tensor.
KINDS = ("is no plain ViT", "positions are relative only")


def make(timm, name):
    """(model, what it was made with)"""
    for size in SIZES:
        for form in FORMS:
            values = dict(depth=1, num_classes=0, **size, **form)
            try:
                return timm.create_model(name, **values), values
            except Exception as error:  # whatever an architecture may raise
                reason = error
    raise reason


def make_small_weights(model):
    families.randomise(model)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if any(part in name for part in SMALL):
                weight.mul_(0.02)


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


def compare(timm, element, folder, name):
    """(what was found, whether it is right)"""
    model, values = make(timm, name)
    make_small_weights(model)
    timm.models.save_for_hf(model, folder, model_args=values,
                            safe_serialization=True)
    config = model.pretrained_cfg
    family = families.Family(
        name, None, None, lambda model, size: (model,
                                               families.find_block(model)),
        lambda model, frame: model.forward_features(frame), None, None)
    worst = 0.0
    for size in frame_sizes(model, values):
        frame = parity.make_frame(*size)
        found, rule, error = element.run(folder, frame)
        if error:
            return error, any(kind in error for kind in KINDS)
        expected = families.tokens_of(
            family, model, size, parity.normalise(
                frame, (list(config["mean"]), list(config["std"]))))
        if found.shape != expected.shape:
            return f"{found.shape}, expected {expected.shape}", False
        worst = max(worst, parity.worst_error(found, expected))
    return f"{rule} {worst:.1e}", worst <= parity.MAX_ERROR


def main(build, *names):
    timm = parity.import_packages().get("timm")
    if not timm:
        print("skipped: timm is not installed")
        return 77
    counts = {"same tokens": 0, "refused": 0, "wrong": 0}
    with tempfile.TemporaryDirectory() as scratch:
        element = parity.Element(build, Path(scratch))
        for name in [name for module in MODULES
                     for name in timm.list_models(module=module)]:
            if names and not any(n in name for n in names):
                continue
            folder = Path(scratch) / name
            folder.mkdir()
            try:
                found, right = compare(timm, element, folder, name)
            except Exception as error:
                found, right = f"{type(error).__name__}: {error}", False
            shutil.rmtree(folder)
            refused = right and any(kind in found for kind in KINDS)
            kind = ("refused" if refused else
                    "same tokens" if right else "wrong")
            counts[kind] += 1
            if kind != "same tokens":
                print(f"{kind}: {name}: {found.replace(scratch, '')}",
                      flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
