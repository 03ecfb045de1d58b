#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/zero-shot: pictures beside texts, as the packages score them.

    zero_shot.py

A folder has classes.safetensors, as examples/make_classes.py writes it, and for each
frame the package's own logits_per_image in float64; its case.json says which model
they are of: one of tests/golden/features, or one that lies beside, random, small,
and without its text tower, of which only the vectors are needed.  Texts are random
numbers of tokens.  Takes torch, transformers, timm, open_clip and safetensors.
"""
import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "examples"), str(HERE.parent / "parity")]

import make_classes  # noqa: E402
from parity import import_packages  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

FRAMES = {"hf-clip": "224x224", "openclip": "224x224", "openclip-sigmoid": "128x240",
          "hf-siglip": "131x250", "timm-eva02-clip": "128x240"}
NAMES = ["cat", "dog", "a red car", "Stra\u00dfe \u732b", "nothing\u0007 at all"]
HALF, CLIP = ([0.5] * 3, [0.5] * 3), ([0.48145466, 0.4578275, 0.40821073],
                                    [0.26862954, 0.26130258, 0.27577711])

KEPT = ("visual", "logit")  # of open_clip's tensors
VOCABULARY = 99


def pixels(frame, normalisation, patch):
    width, height = map(int, frame.split("x"))
    rgb = numpy.fromfile(HERE / "frames" / f"{frame}.rgb", numpy.uint8)
    rgb = torch.tensor(rgb.reshape(height, width, 3)).permute(2, 0, 1).double() / 255
    rgb = rgb[:, :height // patch * patch, :width // patch * patch]
    mean, std = (torch.tensor(three, dtype=torch.float64)[:, None, None]
                 for three in normalisation)
    return ((rgb - mean) / std)[None]


def text_ids(length):
    # The last number of a sentence is the greatest, as that of CLIP's end is.
    ids = torch.randint(0, VOCABULARY - 1, (256, length))
    ids[:, -1] = VOCABULARY - 1
    return ids


def spread(model):
    """Random weights for which a mistake shows."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if not name.startswith("logit_"):
                values.add_(0.2 * torch.randn(values.shape))
    return model.double().eval()


def write_case(name, computed_by, model, vectors, scale, bias, logits):
    """Of all texts those whose scores lie apart."""
    chosen = logits[0].argsort()[torch.linspace(0, len(vectors) - 1, len(NAMES)).long()]
    vectors, logits = vectors[chosen], logits[:, chosen]
    folder = HERE / "zero-shot" / name
    width, height = map(int, FRAMES[name].split("x"))
    array = logits.detach().numpy().astype(numpy.float32)
    numpy.save(folder / "logits.npy", array)
    make_classes.save(folder / "classes.safetensors", vectors, NAMES, scale, bias)
    (folder / "case.json").write_text(json.dumps({
        "computed_by": f"{computed_by}, in float64", "model": model,
        "cases": [{"width": width, "height": height,
                   "frame": f"../../frames/{FRAMES[name]}.rgb",
                   "logits": ["logits.npy", list(array.shape)]}]}, indent=1) + "\n")


def keep_scale(name):
    """As by hand: without scale and bias, so that the model's own count; with the
    names beside."""
    path = HERE / "zero-shot" / name / "classes.safetensors"
    save_file(load_file(path), path)
    path.with_suffix(".json").write_text(json.dumps(NAMES) + "\n")


def hf_clip(transformers):
    folder = HERE / "features" / "hf-clip"
    model = transformers.CLIPModel.from_pretrained(folder).double().eval()
    given = dict(input_ids=text_ids(7), interpolate_pos_encoding=True,
                 pixel_values=pixels(FRAMES["hf-clip"], CLIP, 16))
    found = model(**given)
    write_case("hf-clip", f"transformers {transformers.__version__} CLIPModel",
               "../../features/hf-clip", 3 * found.text_embeds,
               model.logit_scale.exp().item(), None, found.logits_per_image)
    keep_scale("hf-clip")


def hf_siglip(transformers):
    folder = HERE / "zero-shot" / "hf-siglip"
    model = spread(transformers.SiglipModel(transformers.SiglipConfig(
        text_config=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=1,
                         num_attention_heads=2, vocab_size=VOCABULARY, max_position_embeddings=7),
        vision_config=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=1,
                           num_attention_heads=2, image_size=64, patch_size=8))))
    with torch.no_grad():
        model.logit_scale.fill_(4.7)
        model.logit_bias.fill_(-12.9)
    found = model(input_ids=text_ids(7), interpolate_pos_encoding=True,
                  pixel_values=pixels(FRAMES["hf-siglip"], HALF, 8))
    write_case("hf-siglip", f"transformers {transformers.__version__} SiglipModel", ".",
               found.text_embeds, model.logit_scale.exp().item(),
               model.logit_bias.item(), found.logits_per_image)
    keep_scale("hf-siglip")
    model.float().save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    save_file({key: value for key, value in weights.items() if not key.startswith("text_")},
              folder / "model.safetensors", {"format": "pt"})
    transformers.SiglipImageProcessorPil().save_pretrained(folder)


def open_clip_model(package, config, folder):
    """Its vision tower, scale and bias as they lie there; its texts random."""
    model = spread(package.CLIP(**config))
    weights = load_file(folder / "open_clip_model.safetensors")
    missing, unexpected = model.load_state_dict(
        {key: value for key, value in weights.items() if key.startswith(KEPT)},
        strict=False)
    assert not unexpected and all(not key.startswith("visual") for key in missing)
    return model


def open_clip_case(package, name, model, where, normalisation, length):
    picture = pixels(FRAMES[name], normalisation, model.visual.patch_size[0])
    resized = type(model)(**{**model.config, "vision_cfg": dict(
        model.config["vision_cfg"], image_size=tuple(picture.shape[-2:]))})
    state = dict(model.state_dict())
    package.model.resize_pos_embed(state, resized)
    resized.double().eval().load_state_dict(state)
    texts = text_ids(length)
    logits = resized.get_logits(picture, texts)[0]
    vectors = resized.encode_text(texts)
    bias = resized.logit_bias
    write_case(name, f"open_clip {package.__version__} CLIP.get_logits", where, vectors,
               resized.logit_scale.exp().item(), None if bias is None else bias.item(), logits)


def open_clip(package):
    folder = HERE / "features" / "openclip-quickgelu"
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    model = open_clip_model(package, config, folder)
    model.config = config
    open_clip_case(package, "openclip", model, "../../features/openclip-quickgelu", CLIP, 77)
    keep_scale("openclip")


def open_clip_sigmoid(package):
    folder = HERE / "zero-shot" / "openclip-sigmoid"
    config = dict(embed_dim=20, init_logit_scale=2.3, init_logit_bias=-10.0, vision_cfg=dict(
        image_size=64, layers=1, width=32, head_width=16, patch_size=8, mlp_ratio=1.5),
        text_cfg=dict(context_length=7, vocab_size=VOCABULARY, width=32, heads=2, layers=1))
    model = spread(package.CLIP(**config))
    model.config = config
    open_clip_case(package, "openclip-sigmoid", model, ".", HALF, 7)
    keep_scale("openclip-sigmoid")
    weights = {key: value.float().contiguous() for key, value in model.state_dict().items()
               if key.startswith(KEPT)}
    save_file(weights, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": config, "preprocess_cfg": {"mean": HALF[0], "std": HALF[1]}}, indent=1) + "\n")


def timm_clip(package):
    """A tower alone: the scale is the file's.  timm has no texts, so vectors are
    random, and the score is open_clip's."""
    folder = HERE / "features" / "timm-eva02-clip"
    config = json.loads((folder / "config.json").read_text())
    model = package.create_model(
        config["architecture"], **dict(config["model_args"], dynamic_img_size=True))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    case = json.loads((folder / "case.json").read_text())
    picture = model.double().eval()(pixels(FRAMES["timm-eva02-clip"],
                                           (case["mean"], case["std"]), 16))
    vectors = torch.randn(256, picture.shape[-1], dtype=torch.float64)
    normal = torch.nn.functional.normalize
    write_case("timm-eva02-clip", f"timm {package.__version__}, cosines as open_clip's",
               "../../features/timm-eva02-clip", vectors, 100.0, None,
               100.0 * normal(picture, dim=-1) @ normal(vectors, dim=-1).T)


def main():
    packages = import_packages()
    torch.manual_seed(1)
    for name in FRAMES:
        shutil.rmtree(HERE / "zero-shot" / name, ignore_errors=True)
        (HERE / "zero-shot" / name).mkdir(parents=True)
    with torch.no_grad():
        hf_clip(packages["transformers"])
        hf_siglip(packages["transformers"])
        open_clip(packages["open_clip"])
        open_clip_sigmoid(packages["open_clip"])
        timm_clip(packages["timm"])


if __name__ == "__main__":
    main()
