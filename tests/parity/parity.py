#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tokens, features, embeddings and logits beside those of the families' own
packages.

    parity.py BUILD_FOLDER [NAME...]

Every family that the installed packages have writes a small checkpoint with
random weights; frames of several sizes go through the package, for what its
blocks compute in float64, and through vitpatchembed, which is told
`model=FOLDER`, precision=f32 and nothing else, and the encoder.  Then the
trained DINOv2, and what is refused.  Prints tables in Markdown; the exit status
is 1 where a number is off or a model is not refused, 77 where there is no
package to compare with.
"""
import importlib
import importlib.abc
import importlib.machinery
import os
import re
import sys
import tempfile
import types
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
warnings.filterwarnings("ignore")

try:
    import numpy
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import encoder
import families
import families_open_clip
import families_timm
import families_transformers
from element import Element, make_frame
from encoder import Encoder, relative_error

MAX_ERROR = 2e-5  # of the tokens' rms
MAX_TRAINED_ERROR = 6e-7  # relative L2, against float64
PACKAGES = {"transformers": families_transformers, "timm": families_timm,
            "open_clip": families_open_clip}
AMBIGUOUS = {"idefics3": "taken for SigLIP: the same names and shapes"}
ROOT = Path(__file__).resolve().parents[2]


class NoTorchvision(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """torchvision, which the packages import and the input stage never uses,
    where there is none: every name in it is an empty class."""

    class Anything(type):
        def __getattr__(cls, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return name

    class Module(types.ModuleType):
        __path__ = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return NoTorchvision.Anything(name, (), {})

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return self.Module(spec.name)

    def exec_module(self, module):
        pass


def import_packages():
    """transformers sees for itself that there is no torchvision."""
    packages = {}
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    for name in PACKAGES:
        try:
            if name != "transformers" and not importlib.util.find_spec(
                    "torchvision"):
                sys.meta_path.insert(0, NoTorchvision())
            packages[name] = importlib.import_module(name)
        except ImportError as error:
            print(f"no {name}: {error}", file=sys.stderr)
    return packages


def normalise(frame, normalisation, dtype=torch.float32):
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None]
                 for v in normalisation)
    pixels = torch.from_numpy(frame).permute(2, 0, 1).double() / 255
    return ((pixels - mean) / std)[None].to(dtype)


def worst_error(found, expected):
    """max |difference| / rms"""
    expected = expected.astype(numpy.float64)
    return float(numpy.abs(found - expected).max()
                 / numpy.sqrt((expected ** 2).mean()))


def compare_family(family, element, encodes, folder):
    """(rule, worst error and relative L2 of the tokens, encoder.Worst)"""
    model = families.randomise(family.build())
    family.save(model, folder)
    worst = relative = 0.0
    made = encoder.Worst()
    for width, height in family.sizes:
        frame = make_frame(width, height)
        expected = families.tokens_of(
            family, model, (width, height),
            normalise(frame, family.normalisation))
        found, rule, error = element.run(folder, frame)
        if error:
            raise RuntimeError(error)
        if found.shape != expected.shape:
            raise RuntimeError(f"{width}x{height}: tokens are {found.shape}, "
                               f"expected {expected.shape}")
        error = worst_error(found, expected)
        if not error <= MAX_ERROR:
            print(f"{family.name} {width}x{height}: {error:.2g}",
                  file=sys.stderr)
        worst = max(worst, error)
        relative = max(relative, relative_error(found, expected))
        encoder.compare(
            encodes, element, folder, (width, height),
            lambda: families.outputs_of(
                family, model, (width, height),
                normalise(frame, family.normalisation, torch.float64)),
            made, family.refusal)
    return rule, worst, relative, made


def compare_families(packages, element, encodes, scratch, names):
    failed = 0
    print("| family | package | rule | sizes | tokens, max error / rms "
          "| tokens | features | embedding | logits |")
    print("|---|---|---|---|---|---|---|---|---|")
    for package_name, package in packages.items():
        package_label = f"{package_name} {package.__version__}"
        for i, family in enumerate(
                PACKAGES[package_name].families(package)):
            if names and not any(n in family.name for n in names):
                continue
            folder = scratch / f"{package_name}-{i}"
            folder.mkdir()
            start = f"| {family.name} | {package_label} |"
            try:
                rule, worst, relative, made = compare_family(
                    family, element, encodes, folder)
            except Exception as error:  # whatever a package may raise
                print(f"{start} failed: {type(error).__name__}: {error} |")
                failed += 1
                continue
            failed += not (worst <= MAX_ERROR and made.is_right())
            print(f"{start} {rule} | {len(family.sizes)} | {worst:.1e} "
                  f"| {relative:.1e} | {made.cells()} |", flush=True)
    return failed


def trained_stage(folder, frame, dtype):
    """DINOv2 as transformers has it (Dinov2Embeddings), in any precision."""
    weights = {k: v.to(dtype)
               for k, v in load_file(folder / "model.safetensors").items()}
    start = "embeddings.patch_embeddings.projection."
    patches = F.conv2d(normalise(frame, families.IMAGENET, dtype),
                       weights[start + "weight"], weights[start + "bias"],
                       stride=14)
    table = weights["embeddings.position_embeddings"][0]
    side = round((len(table) - 1) ** 0.5)
    grid = table[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=patches.shape[2:], mode="bicubic",
                         align_corners=False)
    tokens = (patches + grid).flatten(2)[0].T
    first = weights["embeddings.cls_token"][0, 0] + table[0]
    return torch.cat([first[None], tokens]).numpy()


def trained_blocks(package, folder, tokens, dtype):
    """(features, embedding) of these tokens by transformers' own blocks."""
    model = package.Dinov2Model.from_pretrained(folder, dtype=dtype).eval()
    with torch.no_grad():
        last = model.encoder(torch.from_numpy(tokens)[None].to(dtype))[0]
        features = model.layernorm(last)[0].numpy()
    return features, features[0]


def trained_frame(package, element, encodes, folder, size):
    """The errors here and PyTorch's in float32, one each for tokens, features
    and embedding."""
    frame = make_frame(*size)
    tokens, _, error = element.run(folder, frame)
    if not error:
        made, error = encodes.run(folder, element.tokens_path,
                                  size[1] // element.patch_size,
                                  size[0] // element.patch_size)
    if error:
        raise RuntimeError(error)
    results = []
    for dtype in (torch.float64, torch.float32):
        stage = trained_stage(folder, frame, dtype)
        results.append((stage, *trained_blocks(package, folder, stage, dtype)))
    expected, theirs = results
    ours = tokens, made["features"], made["embedding"][0]
    return [(relative_error(mine, exact), relative_error(other, exact))
            for mine, other, exact in zip(ours, theirs, expected)]


def compare_trained(package, element, encodes):
    folder = ROOT / "examples" / "models" / "dinov2-small"
    failed = 0
    limits = MAX_TRAINED_ERROR, encoder.MAX_ERROR, encoder.MAX_ERROR
    print("\n| trained DINOv2 ViT-S/14 against float64, relative L2 | tokens "
          "| PyTorch's float32 | features | PyTorch's | embedding | PyTorch's |"
          "\n|---|---|---|---|---|---|---|")
    for size in [(224, 224), (336, 182), (640, 480), (518, 518)]:
        try:
            errors = trained_frame(package, element, encodes, folder, size)
        except RuntimeError as error:
            print(f"| {size[0]} x {size[1]} | {error} |")
            failed += 1
            continue
        failed += not all(ours <= limit for (ours, _), limit
                          in zip(errors, limits))
        print(f"| {size[0]} x {size[1]} | " + " | ".join(
            f"{ours:.1e} | {theirs:.1e}" for ours, theirs in errors) + " |",
            flush=True)
    return failed


def check_refusals(package, element, scratch):
    failed = 0
    frame = make_frame(224, 224)
    print("\n| no plain ViT | by its folder | by its tensors alone |"
          "\n|---|---|---|")
    for i, (name, build) in enumerate(
            families_transformers.refused(package)):
        folder = scratch / f"refused-{i}"
        alone = scratch / f"refused-alone-{i}"
        try:
            families.randomise(build()).save_pretrained(folder)
        except Exception as error:
            print(f"| {name} | not made: {type(error).__name__}: {error} | |")
            failed += 1
            continue
        alone.mkdir()
        os.link(folder / "model.safetensors", alone / "model.safetensors")
        said = []
        for path in (folder, alone / "model.safetensors"):
            tokens, _, error = element.run(path, frame)
            excused = path is not folder and AMBIGUOUS.get(name)
            failed += tokens is not None and not excused
            said.append(re.sub(f"{scratch}/[^/]*/", "", error) if error
                        else excused or "TOKENS WERE WRITTEN")
        print(f"| {name} | {said[0]} | {said[1]} |", flush=True)
    return failed


def main(build, *names):
    packages = import_packages()
    if not packages:
        print("skipped: none of the packages is installed")
        return 77
    print(f"PyTorch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        element = Element(build, scratch)
        encodes = Encoder(build, scratch)
        failed = compare_families(packages, element, encodes, scratch, names)
        if not names and "transformers" in packages:
            failed += compare_trained(
                packages["transformers"], element, encodes)
            failed += check_refusals(
                packages["transformers"], element, scratch)
    print(f"\n{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
