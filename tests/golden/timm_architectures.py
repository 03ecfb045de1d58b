#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What timm's constructors get for each of its plain ViT, Eva, DeiT and BEiT names:
timm-architectures.txt, made with timm 1.0.31.  Its published configs hold the name
alone.  The constructors are interrupted before they make a tensor.

    timm_architectures.py > timm-architectures.txt"""
import functools
import importlib
import inspect

import timm

CLASSES = {"VisionTransformer", "Eva", "Beit"}
MODULES = ["vision_transformer", "eva", "deit", "beit"]
ACTIVATIONS = {None: "gelu", "SiLU": "silu", "silu": "silu",
               "quick_gelu": "quick-gelu", "gelu_tanh": "gelu-tanh"}


class Interrupted(Exception):
    def __init__(self, arguments):
        super().__init__()
        self.arguments = arguments


def interrupt(cls):
    signature = inspect.signature(cls.__init__)

    def init(self, *args, **kwargs):
        bound = signature.bind_partial(self, *args, **kwargs)
        bound.apply_defaults()
        raise Interrupted(bound.arguments)

    cls.__init__ = init


def name_of(value):
    if isinstance(value, functools.partial):
        value = value.func
    return value if isinstance(value, str) or value is None else value.__name__


def unlike(a):
    """Why it is no plain ViT, or "-"."""
    why = []
    if a.get("use_rel_pos_bias") or a.get("use_shared_rel_pos_bias"):
        why.append("relative")
    if a.get("use_post_norm"):
        why.append("post-norm")
    if name_of(a.get("block_fn")) not in (None, "Block"):
        why.append(name_of(a["block_fn"]))
    if name_of(a.get("attn_layer")) not in (None, "Attention"):
        why.append(name_of(a["attn_layer"]))
    shared = a.get("num_kv_heads") or a["num_heads"]
    if set(shared if isinstance(shared, (list, tuple)) else [shared]) != {a["num_heads"]}:
        why.append("grouped")
    if a.get("use_rot_pos_emb") and a["rope_type"] == "mixed":
        why.append("mixed")
    return "+".join(why) or "-"


def rope(a):
    """rule, base, sides of the grid it was trained on"""
    if not a.get("use_rot_pos_emb"):
        return "none", 0, 0
    base, reference = a["rope_temperature"], a.get("ref_feat_shape")
    if a["rope_type"] != "cat":
        return a["rope_type"], base, 0
    if a["rope_grid_indexing"] == "ij":
        assert list(reference) == [16, 16]
        return "eva", base, 0
    if not reference:
        return "rope-vit", base, 0
    assert reference[0] == reference[1]
    assert a["rope_grid_offset"] == (1.0 if a["class_token"] else 0.0)
    return "pe", base, reference[0]


def row(name, a):
    norm = a.get("norm_layer")
    epsilon = norm.keywords.get("eps", 1e-6) if isinstance(norm, functools.partial) else 1e-6
    kind = "rms" if "rms" in (name_of(norm) or "").lower() else "layer"
    pool = a.get("global_pool") or "token"
    heads = (a.get("attn_pool_num_heads") or a["num_heads"]) if pool == "map" else 0
    rule, base, reference = rope(a)
    return [name, a["embed_dim"], a["num_heads"], f"{epsilon:g}", kind,
            ACTIVATIONS[name_of(a.get("act_layer"))], pool, rule, f"{base:g}", reference,
            heads, unlike(a)]


def main():
    for module in MODULES:
        for cls in vars(importlib.import_module("timm.models." + module)).values():
            if inspect.isclass(cls) and cls.__name__ in CLASSES \
                    and cls.__module__ == "timm.models." + module:
                interrupt(cls)
    print("# architecture embed_dim heads epsilon norm activation pool rope base "
          "reference pool_heads unlike")
    for name in sorted(timm.list_models()):
        function = timm.models.model_entrypoint(name)
        if function.__module__.rpartition(".")[2] not in MODULES:
            continue
        try:
            function(pretrained=False)
        except Interrupted as stop:
            print(*row(name, stop.arguments))


main()
