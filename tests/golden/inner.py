#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What packages give of inner layers and attention of the models that lie here.

    inner.py FOLDER              what each package gives, as a table
    inner.py --write FOLDER NAME...

FOLDER holds one folder a model, as in features/.  Everything is computed by the
package in float64, of the first frame.  With --write, NAME's folder gets two
arrays more, named in its case.json: `attention` [n_heads][n_tokens], the class
token's in the last block, and `normed1` [n_tokens][embed_dim], the output of the
first block behind the model's last norm, where the package gives that; of feature
maps only the patches' rows.
"""
import json
import sys
import warnings
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
warnings.filterwarnings("ignore")
import parity  # noqa: E402

import torch  # noqa: E402

LIMIT = 2e-6  # relative L2: positions are resampled in float32


def error(found, expected):
    if found is None or found.shape != expected.shape:
        return 1.0
    return float(numpy.linalg.norm(found - expected)
                 / numpy.linalg.norm(expected))


def matrix(tensor):
    """[n_tokens][embed_dim] of a batch of one, or of a map of features."""
    tensor = tensor.detach()[0]
    if tensor.ndim == 3:
        tensor = tensor.flatten(1).T
    return tensor.numpy()


def pixels_of(folder, case, description):
    frame = folder / case["frame"]
    if not frame.exists():
        frame = Path(__file__).parent / "frames" / frame.name
    frame = numpy.fromfile(frame, numpy.uint8)
    frame = frame.reshape(case["height"], case["width"], 3)
    return parity.normalise(
        frame, (description["mean"], description["std"]), torch.float64)


def by_transformers(package, folder, pixels):
    """{what: [after block 1, after the last]}, attention"""
    made, more = {}, {}
    model = package.AutoModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager").eval()
    model = getattr(model, "vision_model", model)
    if model.config.model_type == "vit_mae":  # all patches, in their order
        model.config.mask_ratio = 0.0
        side = pixels.shape[-1] // model.config.patch_size
        more = dict(noise=torch.arange(float(side * side))[None],
                    interpolate_pos_encoding=True)
    if model.config.model_type == "ijepa":
        more["interpolate_pos_encoding"] = True
    with torch.no_grad():
        found = model(pixels, output_hidden_states=True,
                      output_attentions=True, **more)
    made["hidden_states"] = [matrix(s) for s in found.hidden_states[1:]]
    attention = found.attentions[-1][0, :, 0].numpy()
    backbone = getattr(
        package, type(model).__name__.replace("Model", "Backbone"), None)
    if backbone:
        backbone = backbone.from_pretrained(
            folder, dtype=torch.float64, out_indices=[1, 2]).eval()
        with torch.no_grad():
            made["feature_maps"] = [
                matrix(m) for m in backbone(pixels).feature_maps]
    return made, attention


def by_timm(package, folder, pixels):
    package.layers.set_fused_attn(False)
    model = package.create_model(
        f"local-dir:{folder}", pretrained=True).double().eval()
    made, seen = {}, []
    hook = model.blocks[-1].attn.attn_drop.register_forward_hook(
        lambda module, given, out: seen.append(out.detach()))
    with torch.no_grad():
        model.forward_features(pixels)
    hook.remove()
    for norm in False, True:
        for name, call in (("forward_intermediates", dict(
                output_fmt="NLC", intermediates_only=True)),
                           ("get_intermediate_layers", {})):
            with torch.no_grad():
                try:
                    found = getattr(model, name)(
                        pixels, [0, len(model.blocks) - 1], norm=norm,
                        return_prefix_tokens=True, **call)
                except AttributeError:
                    continue
            made[f"{name}(norm={norm})"] = [
                numpy.concatenate([matrix(prefix), matrix(patches)])
                if prefix is not None and prefix.shape[1] else matrix(patches)
                for patches, prefix in
                (pair if isinstance(pair, tuple) else (pair, None)
                 for pair in found)]
    return made, seen[0][0, :, 0].numpy()


def name_of(array, known):
    """Which of the known arrays it is, of all tokens or of the patches."""
    for name, value in known.items():
        if value is None:
            continue
        for part in value, value[len(value) - len(array):]:
            if error(array, part) <= LIMIT:
                return name
    return "another"


def look(packages, folder):
    description = json.loads((folder / "case.json").read_text())
    case = description["cases"][0]
    pixels = pixels_of(folder, case, description)
    name = "timm" if folder.name.startswith("timm") else "transformers"
    made, attention = (by_timm if name == "timm" else by_transformers)(
        packages[name], folder, pixels)

    def array(key):
        return numpy.load(folder / case[key][0]) if key in case else None
    known = {"raw": array("last"), "normed": array("features")}
    inner = {"raw": array("block1")}
    return description, made, attention, known, inner


def main(*arguments):
    write = arguments[0] == "--write"
    root, *names = arguments[1:] if write else arguments
    packages = parity.import_packages()
    for folder in sorted(Path(root).iterdir()):
        if names and folder.name not in names:
            continue
        try:
            description, made, attention, known, inner = look(packages, folder)
        except Exception as failure:
            print(f"{folder.name}: {type(failure).__name__}: {failure}")
            continue
        same = (known["raw"] is not None and known["normed"] is not None
                and error(known["raw"], known["normed"]) <= LIMIT)
        normed = None
        for what, arrays in made.items():
            first, last = (name_of(arrays[0], inner),
                           name_of(arrays[-1], known))
            if first == "another":
                normed = arrays[0] if normed is None or len(
                    arrays[0]) > len(normed) else normed
            print(f"{folder.name}: {what}: block 1 {first}, last "
                  f"{last}{' (no norm)' if same else ''}", flush=True)
        if not write:
            continue
        case = description["cases"][0]
        size = f"{case['width']}x{case['height']}"
        for key, value in (("attention", attention), ("normed1", normed)):
            if value is not None:
                numpy.save(folder / f"{size}.{key}.npy",
                           value.astype(numpy.float32))
                case[key] = [f"{size}.{key}.npy", list(value.shape)]
        (folder / "case.json").write_text(
            json.dumps(description, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
