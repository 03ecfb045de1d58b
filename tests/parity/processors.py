#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mean and std as the packages understand what lies beside the weights.

    processors.py BUILD_FOLDER

For transformers every image processor class that the element knows and that
runs here, with every combination of five fields absent, null and set, and the
files that may say so in their order; for timm and OpenCLIP every field left out
or null.  A package's own code is given one pixel; vitpatchembed says mean and
std.  Prints what differs; the exit status is 1 where anything does.
"""
import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import parity

import numpy

PIXEL = 200
ABSENT = object()
FIELDS = {
    "do_rescale": [ABSENT, None, False, True],
    "rescale_factor": [ABSENT, None, 2 / 255],
    "do_normalize": [ABSENT, None, False, True],
    "image_mean": [ABSENT, None, [0.1, 0.2, 0.3]],
    "image_std": [ABSENT, None, [0.4, 0.5, 0.6]],
}
# All of the others differ from ViTImageProcessor by their defaults alone.
FEW = [{}, {"do_normalize": None}, {"image_mean": [0.1, 0.2, 0.3]},
       {"do_rescale": False}, {"do_normalize": True, "image_mean": None}]
TIMM = [{}, {"mean": [0.1, 0.2, 0.3]}, {"std": [0.4, 0.5, 0.6]},
        {"mean": None, "std": None}]
ROOT = Path(__file__).resolve().parents[2]


def known_classes():
    """As the table in the source has them, without those that it refuses."""
    text = next((ROOT / "src").rglob("image_processor.c")).read_text()
    return re.findall(r'(?:PLAIN|PADS|UNIT) \("(\w+)"', text)


def by_element(element, path):
    """What one pixel becomes, or None where the model is refused."""
    done = subprocess.run(
        ["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=1", "!",
         "video/x-raw,width=224,height=224", "!", "vitpatchembed",
         f"model={path}", "!", "fakesink"],
        env=element.environment, capture_output=True, text=True, timeout=120)
    found = [re.search(rf"{key}=\(double\)< ([^>]*) >", done.stderr)
             for key in ("mean", "std")]
    if done.returncode or not all(found):
        return None
    mean, std = (numpy.array([float(v) for v in f.group(1).split(",")])
                 for f in found)
    return (PIXEL / 255 - mean) / std


def by_class(processor, fields):
    """The same by a class of transformers, None where it raises an error."""
    off = dict(do_resize=False, do_center_crop=False, do_pad=False)
    try:
        made = processor.from_dict(fields)
        known = made.valid_kwargs.__annotations__
        picture = numpy.full((32, 32, 3), PIXEL, numpy.uint8)
        values = numpy.array(made(
            picture, return_tensors="np",
            **{key: value for key, value in off.items() if key in known}
        )["pixel_values"], dtype=float)
    except (ValueError, TypeError, KeyError):
        return None
    if values.ndim == 3:  # SigLIP 2: [1][patch][y x channel]
        return values[0, 0, :3]
    return values.reshape(-1, *values.shape[-3:])[0, :, 0, 0]


def same(found, expected):
    if found is None or expected is None:
        return found is expected
    return numpy.allclose(found, expected, rtol=1e-4, atol=1e-4)


class Report:
    def __init__(self):
        self.n = self.n_wrong = 0

    def check(self, what, found, expected):
        self.n += 1
        if not same(found, expected):
            self.n_wrong += 1
            print(f"wrong: {what}: {found}, expected {expected}", flush=True)


def check_transformers(package, element, folder, report):
    model = package.ViTModel(package.ViTConfig(
        hidden_size=48, num_hidden_layers=1, num_attention_heads=3,
        intermediate_size=48))
    model.save_pretrained(folder)
    plain = folder / "preprocessor_config.json"
    nested = folder / "processor_config.json"

    def check(name, processor, fields):
        kind = {"image_processor_type": name}
        expected = by_class(processor, {**kind, **fields})
        plain.write_text(json.dumps({**kind, **fields}))
        report.check(f"{name} {fields}", by_element(element, folder), expected)

    for values in itertools.product(*FIELDS.values()):
        fields = {key: value for key, value in zip(FIELDS, values)
                  if value is not ABSENT}
        check("ViTImageProcessor", package.ViTImageProcessorPil, fields)
    n_run = 0
    for name in known_classes():
        try:
            processor = getattr(package, name + "ImageProcessorPil")
            if by_class(processor, {"image_mean": 0, "image_std": 1}) is None:
                continue
        except (AttributeError, ImportError, IndexError):
            continue
        n_run += 1
        for fields in FEW:
            check(name + "ImageProcessor", processor, fields)
    print(f"{n_run} classes of {len(known_classes())} ran")

    some = {"image_processor_type": "ViTImageProcessor", "image_mean": 0.7}
    other = {"image_processor_type": "CLIPImageProcessor"}
    for inner, outer in ((other, some), (some, other), (None, some)):
        plain.write_text(json.dumps(outer))
        nested.write_text(json.dumps({"image_processor": inner}))
        expected = by_class(
            package.CLIPImageProcessorPil
            if (inner or outer) is other else package.ViTImageProcessorPil,
            package.ViTImageProcessorPil.get_image_processor_dict(
                str(folder))[0])
        for path in (folder, folder / "model.safetensors"):
            report.check(f"{inner} before {outer}", by_element(element, path),
                         expected)


def normalised(mean, std):
    return (PIXEL / 255 - numpy.array(mean)) / numpy.array(std)


def check_timm(package, element, folder, report):
    values = dict(depth=1, num_classes=0)
    name = "vit_tiny_patch16_224"
    package.models.save_for_hf(
        package.create_model(name, **values), folder, model_args=values,
        safe_serialization=True)
    for fields in TIMM:
        (folder / "config.json").write_text(json.dumps(
            {"architecture": name, "model_args": values,
             "pretrained_cfg": fields}))
        model = package.create_model(f"local-dir:{folder}")
        data = package.data.resolve_model_data_config(model)
        report.check(f"timm {fields}", by_element(element, folder),
                     normalised(data["mean"], data["std"]))


def check_open_clip(package, element, folder, report):
    from safetensors.torch import save_file
    config = {"model_cfg": {
        "embed_dim": 16,
        "vision_cfg": dict(image_size=224, layers=1, width=48, head_width=16,
                           patch_size=16),
        "text_cfg": dict(context_length=77, vocab_size=99, width=32, heads=2,
                         layers=1)}}
    model = package.CLIP(**config["model_cfg"])
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    for fields in [None] + TIMM:
        if fields is not None:
            config["preprocess_cfg"] = fields
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        own = package.create_model(f"local-dir:{folder}").visual
        report.check(f"open_clip {fields}", by_element(element, folder),
                     normalised(own.preprocess_cfg["mean"],
                                own.preprocess_cfg["std"]))


CHECKS = {"transformers": check_transformers, "timm": check_timm,
          "open_clip": check_open_clip}


def main(build):
    packages = parity.import_packages()
    if not packages:
        print("skipped: none of the packages is installed")
        return 77
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        element = parity.Element(build, Path(scratch))
        for name, package in packages.items():
            folder = Path(scratch) / name
            folder.mkdir()
            CHECKS[name](package, element, folder, report)
    print(f"{report.n} compared, {report.n_wrong} wrong")
    return 1 if report.n_wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
