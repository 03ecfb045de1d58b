#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every model_type of transformers that sees pictures, as a folder.

    model_types.py BUILD_FOLDER [MODEL_TYPE...]

Each is shrunk as far as its configuration allows, saved by transformers and
given to vitpatchembed: the folder, the file in it, and the file alone.  Of one
that cannot be made small the configuration is saved beside a tensor that is no
patch embedding.  A folder is taken only where the element knows the name, and
then parity.py compares the tokens; any other is refused by that name.  Prints
what was taken and what is wrong; the exit status is 1 where anything is.
"""
import re
import shutil
import sys
import tempfile
from pathlib import Path

import parity

import torch

import families

SMALL = {"vocab_size": 600, "max_position_embeddings": 64, "head_dim": 16,
         "codebook_size": 50, "d_kv": 16, "num_experts": 2,
         "num_local_experts": 2}
LAYERS = ("num_hidden_layers", "num_layers", "depth", "encoder_layers",
          "decoder_layers", "n_layers", "decoder_num_hidden_layers",
          "pred_num_hidden_layers")
HEADS = ("num_attention_heads", "num_heads", "num_key_value_heads", "n_head",
         "decoder_num_attention_heads", "pred_num_attention_heads")
WIDTHS = ("hidden_size", "embed_dim", "intermediate_size", "mlp_dim",
          "decoder_hidden_size", "decoder_intermediate_size", "d_model",
          "encoder_ffn_dim", "decoder_ffn_dim", "out_hidden_size", "n_embd",
          "projection_dim", "pred_hidden_size", "hidden_dim", "d_ff",
          "moe_intermediate_size", "text_hidden_size")
SMALL.update({key: 1 for key in LAYERS})
SMALL.update({key: 3 for key in HEADS})
SMALL.update({key: families.D for key in WIDTHS})
MAX_PARAMETERS = 40_000_000
ROOT = Path(__file__).resolve().parents[2]


def known_types():
    """Those that the element takes, by the source's table."""
    text = next((ROOT / "src").rglob("family.c")).read_text()
    found = re.findall(r'(?:HUGGING_FACE\w*|NESTED\w*) \("([\w-]+)"', text)
    rows = re.findall(r'ORIGIN_HUGGING_FACE, \.name = "([\w-]+)"', text)
    return set(found + rows)


def shrink(package, config, layers_only):
    for key, value in list(vars(config).items()):
        if isinstance(value, package.PreTrainedConfig):
            shrink(package, value, layers_only)
        elif (key in SMALL and type(value) is int and value > SMALL[key]
              and (key in LAYERS or not layers_only)):
            setattr(config, key, SMALL[key])
    for key in ("global_attn_indexes", "deepstack_visual_indexes",
                "fullatt_block_indexes", "out_indices"):
        if not layers_only and isinstance(getattr(config, key, None),
                                          (list, tuple)):
            setattr(config, key, [1] if key == "out_indices" else [0])
    return config


def sees_pictures(config, model_class):
    names = ("vision_config", "backbone_config", "patch_size", "image_size")
    return (getattr(model_class, "main_input_name", "") == "pixel_values"
            or any(hasattr(config, name) for name in names))


def save(package, make_config, model_class, folder):
    """Whether it is the whole model; else its configuration alone."""
    for layers_only in (False, True):
        try:
            config = shrink(package, make_config(), layers_only)
            with torch.device("meta"):
                model = model_class._from_config(config)
            if sum(w.numel() for w in model.parameters()) > MAX_PARAMETERS:
                continue
            model = families.randomise(model_class._from_config(config))
            model.save_pretrained(folder)
            return (folder / "model.safetensors").exists()
        except Exception:  # whatever a model may raise
            continue
    from safetensors.torch import save_file
    make_config().save_pretrained(folder)
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors")
    return False


def try_type(package, element, scratch, model_type, known):
    """(what is said, whether it is right), or None where it sees nothing."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    make_config = CONFIG_MAPPING[model_type]
    try:
        model_class = package.AutoModel._model_mapping[make_config]
    except Exception:
        model_class = None
    if isinstance(model_class, tuple):
        model_class = model_class[0]
    if not sees_pictures(make_config(), model_class):
        return None
    folder = scratch / "folder"
    alone = scratch / "alone"
    for path in (folder, alone):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    whole = save(package, make_config, model_class, folder)
    shutil.copy(folder / "model.safetensors", alone)
    frame = parity.make_frame(224, 224)
    tokens, rule, error = element.run(folder, frame)
    said = [f"folder: rule {rule}" if error is None else "folder: refused"]
    for what, path in (("file", folder), ("alone", alone)):
        if whole:
            taken = element.run(path / "model.safetensors", frame)
            said.append(f"{what}: " + (f"rule {taken[1]}" if taken[2] is None
                                       else "refused"))
    if error is None:
        return ", ".join(said), model_type in known
    by_name = (f'model_type: "{model_type}"' in error
               or "architecture: " in error)
    inner = re.search(r'model_type: "[^"]*" is not known', error)
    kept = model_type in known and (not whole or "missing" in error)
    right = by_name or inner or kept or "does not say by model_type" in error
    return ", ".join(said) + ("" if right else f": {error}"), right


def main(build, *names):
    package = parity.import_packages().get("transformers")
    if not package:
        print("skipped: transformers is not installed")
        return 77
    from transformers.models.auto.configuration_auto import (
        CONFIG_MAPPING_NAMES)
    known = known_types()
    n = n_wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        element = parity.Element(build, Path(scratch))
        for model_type in sorted(CONFIG_MAPPING_NAMES):
            if names and model_type not in names:
                continue
            try:
                found = try_type(package, element, Path(scratch), model_type,
                                 known)
            except Exception as error:
                print(f"not tried: {model_type}: {type(error).__name__}")
                continue
            if not found:
                continue
            n += 1
            n_wrong += not found[1]
            if "rule" in found[0] or not found[1]:
                print(f"{'' if found[1] else 'wrong: '}{model_type}: "
                      f"{found[0].replace(scratch, '')}", flush=True)
    print(f"{n} model types, {n_wrong} wrong")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
